"""Join Parquet files by copying row groups byte for byte, without decoding a value.

A row group is stored as one run of bytes, and the footer at the end of the file says where each
run starts. Joining files therefore means copying the runs one after the other and writing one new
footer in which every absolute offset is moved by the distance its row group has moved.

The footer is an Apache Thrift structure in the compact protocol. That protocol carries field ids
and types, so a footer can be taken apart and put together again without its Thrift definition.
Only the fields that have to change are decoded; all others, such as statistics, are copied as raw
bytes. `compact_protocol` does that, `footer` knows the fields of Parquet, `seal` says by one of
them whether the bytes of a file are those that were written, and `join` writes the file.

What a joined file does not have, because it lives outside the row groups:

* page indexes and Bloom filters: their fields are dropped from the footer, as readers treat both
  as optional;
* `RowGroup.ordinal`, which only encrypted files need;
* the parts' key/value metadata, which the caller's mapping replaces. This includes the
  `ARROW:schema` entry, from which Arrow readers restore types that Parquet itself does not know;
* footer fields that the Parquet format did not define when this module was written, as they might
  hold offsets too.

Source: Apache Parquet format (parquet.thrift); Apache Thrift compact protocol specification.
"""
