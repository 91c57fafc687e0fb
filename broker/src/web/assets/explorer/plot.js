// One plot with its table: a line for each instance, and what it says at the moment.
(() => {
  const COLOURS = 8;
  const { element } = explorer;

  const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
  const shown = (value) => {
    if (value === null || value === undefined) {
      return "–";
    }
    const size = Math.abs(value);
    return size !== 0 && size < 0.001 ? value.toExponential(2) : short.format(value);
  };
  const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const time = (seconds) => clock.format(seconds * 1000);

  const STATES = { up: ["up", "up"], down: ["down", "down"] };

  explorer.Plot = class {
    // `small`: without a table of instances.
    constructor(root, { name, small = false }) {
      this.height = small ? 130 : 280;
      this.small = small;
      this.colours = new Map();
      this.uplot = null;
      this.shape = "";
      this.latest = element("span", { class: "latest" });
      this.canvas = element("div", {
        class: "canvas",
        role: "img",
        "aria-label": `Plot of ${name} over the last minutes${small ? "" : ". The table below has the latest values"}`,
      });
      this.rows = element("tbody");
      this.value = element("th", { scope: "col", class: "number" });
      const head = element("tr", {}, element("th", { scope: "col" }, small ? "Series" : "Instance"), element("th", { scope: "col" }, "State"), this.value);
      this.table = element("table", { class: "legend" }, element("caption", { class: "unseen" }, `Latest values of ${name}`), element("thead", {}, head), this.rows);
      const box = element("div", { class: "legend-box", tabindex: "0", role: "region", "aria-label": `Latest values of ${name}` }, this.table);
      root.append(this.canvas);
      if (!small) {
        root.append(box);
      }
      new ResizeObserver(() => this.resize()).observe(this.canvas);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        this.shape = "";
        this.draw(this.last);
      });
    }

    resize() {
      const width = this.canvas.clientWidth;
      if (this.uplot && width > 0 && width !== this.uplot.width) {
        this.uplot.setSize({ width, height: this.height });
      }
    }

    // The number of a line's colour: the same as long as it is there.
    number(key) {
      if (!this.colours.has(key)) {
        this.colours.set(key, this.colours.size);
      }
      return this.colours.get(key);
    }

    draw(last) {
      if (!last) {
        return;
      }
      this.last = last;
      const { times, lines, rate } = last;
      this.value.textContent = rate ? "Per second" : "Value";
      const shape = lines.map((line) => line.key).join("\n");
      const data = [times, ...lines.map((line) => line.values)];
      if (!this.uplot || shape !== this.shape) {
        this.shape = shape;
        this.uplot?.destroy();
        this.uplot = new uPlot(this.options(lines), data, this.canvas);
      } else {
        this.uplot.setData(data);
      }
      this.legend(null);
    }

    options(lines) {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
      const line = ({ key }) => {
        const number = this.number(key);
        // Where colours repeat, dashes tell the lines apart.
        const dash = [[], [8, 4], [2, 3], [10, 3, 2, 3]][Math.floor(number / COLOURS) % 4];
        return { stroke: colour(`--series-${number % COLOURS}`), width: 2, dash, spanGaps: false, points: { size: 5 } };
      };
      return {
        width: Math.max(this.canvas.clientWidth, 200),
        height: this.height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false },
        scales: { x: { time: true, range: (_, from, to) => [Math.min(from, to - 60), to] }, y: { range: (_, from, to) => this.range(from, to) } },
        series: [{}, ...lines.map(line)],
        axes: [
          { ...axis, space: 80, values: (_, splits) => splits.map(time) },
          { ...axis, size: 56, values: (_, splits) => splits.map(shown) },
        ],
        hooks: { setCursor: [(uplot) => this.legend(uplot.cursor.idx ?? null)] },
      };
    }

    // Rates stand on zero, so that they can be compared. What moves little around a large number is shown from near.
    range(from, to) {
      if (from === null || to === null) {
        return [0, 1];
      }
      if (!this.last.rate && to - from < Math.abs(to) * 0.2 && from !== to) {
        const room = (to - from) * 0.2;
        return [from - room, to + room];
      }
      const [low, high] = [Math.min(from, 0), Math.max(to, 0)];
      const room = (high - low || 1) * 0.1;
      return [low < 0 ? low - room : 0, high > 0 || low === 0 ? high + room : 0];
    }

    // The values at a place of the plot, or the latest ones.
    legend(at) {
      const { times, lines } = this.last;
      const place = at ?? times.length - 1;
      if (this.small) {
        const values = lines.map((line) => line.values[place] ?? null).filter((value) => value !== null);
        this.latest.textContent = values.length ? shown(values.reduce((a, b) => a + b, 0)) : "–";
        return;
      }
      const rows = lines.map((line) => {
        const row = this.rows.querySelector(`tr[data-key="${CSS.escape(line.key)}"]`) ?? this.row(line);
        const [state, word] = STATES[line.status] ?? ["wait", "not asked"];
        const cell = row.cells[1].firstChild;
        cell.className = `state ${state}`;
        cell.textContent = line.error ? `${word}: ${line.error}` : word;
        row.dataset.status = line.status;
        row.cells[2].textContent = shown(line.values[place]);
        return row;
      });
      if (rows.length !== this.rows.rows.length || rows.some((row, number) => this.rows.rows[number] !== row)) {
        this.rows.replaceChildren(...rows);
      }
      this.table.dataset.at = place >= 0 ? time(times[place]) : "";
    }

    row(line) {
      const number = this.number(line.key);
      const swatch = element("span", { class: `swatch series-${number % COLOURS} dash-${Math.floor(number / COLOURS) % 4}`, "aria-hidden": "true" });
      const title = line.title ?? (line.index || line.key);
      const name = element("th", { scope: "row" }, swatch, element("bdi", {}, title));
      if (!line.title && line.index) {
        name.title = line.key;
      }
      const row = element("tr", {}, name, element("td", {}, element("span")), element("td", { class: "number" }));
      row.dataset.key = line.key;
      return row;
    }
  };
  explorer.shown = shown;
})();
