delete from inventory.new_parts
where
    rows = 0
    and model = $model
