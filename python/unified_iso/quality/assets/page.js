// Draws the charts from the JSON in the page, and writes a table under each one.
// Texts of the data become text nodes only, so that no name of a file can be markup.
(function () {
  "use strict";

  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const isNarrow = () => window.innerWidth < 700;
  const faults = [];

  function fault(error) {
    faults.push(String((error && error.message) || error));
    root.dataset.faults = faults.join("; ");
  }
  window.addEventListener("error", (event) => fault(event.error || event.message));
  window.addEventListener("unhandledrejection", (event) => fault(event.reason));

  // --- Tables -----------------------------------------------------------------------------------

  function element(name, text, attributes) {
    const made = document.createElement(name);
    if (text !== undefined && text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  function table(place, columns, rows) {
    const made = element("table");
    const head = made.appendChild(element("thead")).appendChild(element("tr"));
    for (const [title, kind] of columns) {
      head.appendChild(element("th", title, { scope: "col", class: kind || "" }));
    }
    const body = made.appendChild(element("tbody"));
    for (const row of rows) {
      const line = body.appendChild(element("tr"));
      row.forEach((value, i) => {
        const attributes = i ? { class: columns[i][1] || "" } : { scope: "row" };
        line.appendChild(element(i ? "td" : "th", value, attributes));
      });
    }
    place.replaceChildren(made);
  }

  const number = (value) => value.toLocaleString("en-US");
  const price = (value) =>
    value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const percent = (share) => (share * 100).toFixed(2) + " %";
  const listed = (text) => text.split(" ").filter(Boolean).map(Number);

  // --- Data -------------------------------------------------------------------------------------

  const DAY = 86400000;

  function end(period, first) {
    const start = new Date(first + "T00:00:00Z");
    if (period === "month") return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
    return start.getTime() + (period === "week" ? 7 : 1) * DAY;
  }

  const period = data.completeness.period;
  const completeness = data.completeness.rows.map((row) => ({
    dataset: data.completeness.labels[row[0]],
    when: period === "month" ? row[1].slice(0, 7) : row[1],
    from: Date.parse(row[1] + "T00:00:00Z"),
    to: end(period, row[1]),
    days: row[2],
    complete: row[3],
    incomplete: row[4],
    missing: row[5],
    share: row[6],
    state: data.completeness.states[row[7]],
  }));

  const terms = ["published", "merged", "superseded", "filtered", "rejected"];
  const byTerm = new Map();
  for (const [dataset, term, , rows] of data.accounts.rows) {
    const key = dataset + " " + term;
    const found = byTerm.get(key) || {
      dataset: data.accounts.datasets[dataset],
      term: term,
      order: terms.indexOf(term),
      rows: 0,
    };
    found.rows += rows;
    byTerm.set(key, found);
  }
  const accounts = [...byTerm.values()];

  const months = data.months.map((row) => ({
    panel: row[0],
    month: Date.parse(row[1] + "-01T00:00:00Z"),
    when: row[1],
    low: row[2],
    p5: row[3],
    median: row[4],
    p95: row[5],
    high: row[6],
    negative: row[7],
  }));

  function hoursOf(panels) {
    return panels.flatMap((panel) => {
      const rows = data.hours.filter((row) => row[0] === panel);
      const mean = rows.reduce((sum, row) => sum + row[2], 0) / rows.length;
      const most = Math.max(...rows.map((row) => Math.abs(row[2] - mean))) || 1;
      return rows.map((row) => ({
        dataset: data.panels[panel].label,
        hour: row[1],
        mean: row[2],
        negative: row[3],
        deviation: (row[2] - mean) / most,
        text: Math.abs(row[2]) < 9.95 ? row[2].toFixed(1) : row[2].toFixed(0),
      }));
    });
  }

  // --- Charts -----------------------------------------------------------------------------------

  function color(name) {
    return getComputedStyle(root).getPropertyValue("--" + name).trim();
  }

  function config() {
    const axis = {
      domainColor: color("line"),
      gridColor: color("line"),
      tickColor: color("line"),
      labelColor: color("text"),
      titleColor: color("soft"),
      labelFontSize: 12,
      titleFontSize: 12,
      titleFontWeight: "normal",
    };
    return {
      background: null,
      font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
      view: { stroke: null },
      axis: axis,
      axisY: { grid: false },
      axisX: { grid: false },
      legend: { labelColor: color("text"), labelFontSize: 12, columns: isNarrow() ? 3 : 0 },
      text: { color: color("text") },
      rect: { stroke: color("back") },
      range: { diverging: [color("low"), color("middle"), color("high")] },
    };
  }

  // On a narrow screen the name of a row stands above it, so that it needs no column of its own.
  function namesAbove(spec) {
    const y = spec.encoding.y;
    spec.height = { step: 36 };
    y.scale = { paddingInner: 0.5, paddingOuter: 0.3 };
    y.axis = {
      labelAlign: "left",
      labelBaseline: "middle",
      labelOffset: -17,
      labelPadding: 0,
      labelLimit: 400,
      domain: false,
      ticks: false,
      zindex: 1,
    };
  }

  async function draw(place, name, rows, change) {
    if (!rows.length) return;
    const spec = JSON.parse(JSON.stringify(charts[name]));
    spec.$schema = "https://vega.github.io/schema/vega-lite/v6.json";
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };
    spec.data.values = rows;
    spec.config = config();
    if (change) change(spec);
    await vegaEmbed(place, spec, { actions: false, renderer: "svg", tooltip: { theme: theme() } });
    const drawing = place.querySelector("svg");
    if (drawing) drawing.setAttribute("aria-hidden", "true");
  }

  const darkness = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (darkness.matches ? "dark" : "light");
  const narrow = (spec) => isNarrow() && namesAbove(spec);

  function fewTicks(spec, rows) {
    const low = Math.min(...rows.map((row) => row.low));
    const high = Math.max(...rows.map((row) => row.high));
    const y = spec.layer[0].encoding.y;
    if (high - low > 150) {
      const steps = [-10000, -1000, -100, 0, 100, 1000, 10000];
      if (high - low < 1500) steps.splice(2, 3, -100, -20, 0, 20, 100);
      y.axis.values = steps.filter((step) => step >= low && step <= high);
    }
  }

  // All panels have the same months, and never fewer than six, so that one month is no wide block.
  function monthsShown() {
    const starts = months.map((row) => row.month);
    const first = new Date(Math.min(...starts));
    const last = new Date(Math.max(...starts));
    const count =
      (last.getUTCFullYear() - first.getUTCFullYear()) * 12 +
      last.getUTCMonth() - first.getUTCMonth() + 1;
    const more = Math.max(0, 6 - count);
    return [
      Date.UTC(first.getUTCFullYear(), first.getUTCMonth() - Math.ceil(more / 2), 1),
      Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + Math.floor(more / 2) + 1, 1),
    ];
  }

  // Ticks stand where days, months or years begin, and never closer than their texts are wide.
  function datesBelow(spec) {
    const starts = completeness.map((row) => row.from);
    const days = (Math.max(...starts) - Math.min(...starts)) / DAY + 1;
    const room = (isNarrow() ? 4 : 12) * (isNarrow() ? 1 : window.innerWidth / 1280);
    const [length, interval, format] =
      days <= 100 ? [1, "day", "%-d %b"] : days <= 1500 ? [30.4, "month", "%b %Y"] : [365, "year", "%Y"];
    const step = Math.ceil(days / length / room);
    spec.encoding.x.axis = { format: format, tickCount: { interval: interval, step: step } };
  }

  async function drawAll() {
    const at = (id) => document.getElementById(id);
    await draw(at("c-completeness"), "completeness", completeness, (spec) => {
      narrow(spec);
      datesBelow(spec);
    });
    await draw(at("c-accounts"), "accounts", accounts, narrow);
    const domain = months.length ? monthsShown() : [];
    for (const place of document.querySelectorAll("[data-panel]")) {
      const rows = months.filter((row) => row.panel === Number(place.dataset.panel));
      await draw(place, "band", rows, (spec) => {
        spec.encoding.x.scale = { type: "utc", domain: domain };
        fewTicks(spec, rows);
      });
    }
    for (const place of document.querySelectorAll("[data-hours]")) {
      const rows = hoursOf(listed(place.dataset.hours));
      await draw(place, "hours", rows, (spec) => {
        if (!isNarrow()) return;
        namesAbove(spec);
        spec.layer.pop();
      });
    }
  }

  function writeTables() {
    table(
      document.getElementById("t-completeness"),
      [["dataset"], [period], ["covered", "n"], ["days", "n"], ["complete", "n"],
        ["incomplete", "n"], ["without data", "n"]],
      completeness.map((row) => [row.dataset, row.when, percent(row.share), row.days, row.complete,
        row.incomplete, row.missing])
    );
    table(
      document.getElementById("t-accounts"),
      [["dataset"], ["term"], ["rows", "n"], ["reason"]],
      data.accounts.rows.map(([dataset, term, reason, rows]) => [data.accounts.datasets[dataset],
        term, number(rows), reason])
    );
    for (const place of document.querySelectorAll("[data-months]")) {
      const panels = new Set(listed(place.dataset.months));
      table(
        place,
        [["dataset"], ["month"], ["lowest", "n"], ["5 %", "n"], ["median", "n"], ["95 %", "n"],
          ["highest", "n"], ["below zero", "n"]],
        months
          .filter((row) => panels.has(row.panel))
          .map((row) => [data.panels[row.panel].label, row.when, price(row.low), price(row.p5),
            price(row.median), price(row.p95), price(row.high), percent(row.negative)])
      );
    }
    for (const place of document.querySelectorAll("[data-hour-table]")) {
      table(
        place,
        [["dataset"], ["local hour", "n"], ["mean price", "n"], ["below zero", "n"]],
        hoursOf(listed(place.dataset.hourTable)).map((row) => [row.dataset, row.hour,
          price(row.mean), percent(row.negative)])
      );
    }
  }

  async function show() {
    try {
      await drawAll();
    } catch (error) {
      fault(error);
    }
    root.dataset.drawn = "yes";
  }

  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    // A phone changes its height whenever its address bar comes and goes.
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(show, 200);
  });
  darkness.addEventListener("change", show);
  writeTables();
  show();
})();
