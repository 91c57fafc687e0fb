// Samples of one family over the last minutes, and the lines that they make.
(() => {
  // Seconds that are kept, and the longest time between two samples that a line bridges.
  const KEPT = 15 * 60;
  const GAP = 20;
  // Series that are remembered; labels that change all the time make more.
  const MOST_SERIES = 5000;
  const MOST_CHOICES = 200;
  const MOST_LINES = 50;

  const ending = (name, ends) => ends.find((end) => name.endsWith(end));

  // Whether a sample only grows, so that what it grows by is of interest.
  const grows = (type, name) => {
    if (name.endsWith("_created")) {
      return false;
    }
    if (type === "counter") {
      return true;
    }
    if (type === "histogram" || type === "summary") {
      return ending(name, ["_count", "_sum", "_bucket"]) !== undefined;
    }
    return type === "untyped" && ending(name, ["_total", "_count", "_sum", "_bucket"]) !== undefined;
  };

  const number = (text) => {
    const value = { "+Inf": Infinity, Inf: Infinity, "-Inf": -Infinity }[text] ?? Number.parseFloat(text);
    return Number.isFinite(value) ? value : Number.NaN;
  };

  // `name{a="b"}`, the same for equal labels in any order.
  const written = (one) => {
    const labels = Object.entries(one.labels).sort(([a], [b]) => (a < b ? -1 : 1));
    return one.name + (labels.length ? `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}` : "");
  };

  explorer.History = class {
    constructor() {
      this.type = "";
      this.help = "";
      // For each series of each instance its place in the ticks.
      this.series = new Map();
      // Each with the time, the instances that answered, and the values.
      this.ticks = [];
      this.instances = new Map();
      this.total = 0;
    }

    // Takes an answer of `/samples`.
    add(answer) {
      this.type = answer.family?.type ?? this.type;
      this.help = answer.family?.help ?? this.help;
      this.total = answer.series_total;
      const answered = new Set();
      const states = answer.instances ?? [{ instance_guid: "promfetch", index: "", status: "up" }];
      for (const one of states) {
        const key = one.instance_guid || one.address;
        this.instances.set(key, { key, index: one.index, status: one.status, error: one.last?.error ?? "", here: answer.at });
        if (one.status === "up") {
          answered.add(key);
        }
      }
      const values = [];
      for (const one of answer.series) {
        const label = written(one);
        const key = `${one.instance}\n${label}`;
        let known = this.series.get(key);
        if (!known && this.series.size < MOST_SERIES) {
          known = { place: this.series.size, instance: one.instance, name: one.name, label };
          this.series.set(key, known);
        }
        if (known) {
          values[known.place] = number(one.value);
        }
      }
      this.ticks.push({ at: answer.at, answered, values });
      const first = answer.at - KEPT;
      this.ticks = this.ticks.filter((tick) => tick.at >= first);
      for (const [key, one] of this.instances) {
        if (one.here < first) {
          this.instances.delete(key);
        }
      }
    }

    // What can be shown: parts of the family, each with a key. The first is shown when nobody has chosen.
    choices() {
      const names = new Set([...this.series.values()].map((one) => one.name));
      const labels = new Set([...this.series.values()].filter((one) => !one.name.endsWith("_bucket")).map((one) => one.label));
      const sums = [];
      for (const [end, words] of [["_count", "observations, added up"], ["_sum", "sum of observations, added up"]]) {
        const name = [...names].find((one) => one.endsWith(end));
        if (name && this.type !== "counter" && this.type !== "gauge") {
          sums.push({ key: `name:${name}`, words });
        }
      }
      if (sums.length === 0 && labels.size > 1) {
        sums.push({ key: "all", words: `all ${labels.size} series, added up` });
      }
      if (this.instances.size === 1 && labels.size > 1) {
        sums.push({ key: "apart", words: "each series for itself" });
      }
      const singles = [...labels].sort().slice(0, MOST_CHOICES).map((label) => ({ key: `label:${label}`, words: label }));
      return [...sums, ...singles];
    }

    // The lines of one choice, an instance each: times in seconds, and a value or nothing for each time.
    lines(choice) {
      const fits = (one) =>
        choice === "all" ||
        (choice === "apart" && !one.name.endsWith("_bucket")) ||
        choice === `name:${one.name}` ||
        choice === `label:${one.label}`;
      const chosen = [...this.series.values()].filter(fits);
      const rate = chosen.length > 0 && chosen.every((one) => grows(this.type, one.name));
      const groups = new Map();
      if (choice === "apart") {
        for (const one of chosen) {
          groups.set(one.label, { ...this.instances.get(one.instance), key: one.label, title: one.label, series: [one] });
        }
      } else {
        for (const [key, instance] of this.instances) {
          groups.set(key, { ...instance, series: [] });
        }
        chosen.forEach((one) => groups.get(one.instance)?.series.push(one));
      }
      const lines = [...groups.values()]
        .sort((a, b) => (a.title ? (a.title < b.title ? -1 : 1) : Number(a.index) - Number(b.index) || (a.key < b.key ? -1 : 1)))
        .slice(0, MOST_LINES)
        .map((group) => ({ ...group, values: this.ticks.map((tick, at) => this.value(group, tick, this.ticks[at - 1], rate)) }));
      return { rate, times: this.ticks.map((tick) => tick.at), lines };
    }

    // One value of a line. Nothing, where the instance did not answer, or a rate has no sample before it.
    value(group, tick, before, rate) {
      const has = (one) => one !== undefined && !Number.isNaN(one);
      const answered = (one) => one?.answered.has(group.series[0]?.instance);
      if (!answered(tick)) {
        return null;
      }
      let sum = null;
      if (!rate) {
        for (const { place } of group.series) {
          const value = tick.values[place];
          if (has(value)) {
            sum = (sum ?? 0) + value;
          }
        }
        return sum;
      }
      const seconds = tick.at - (before?.at ?? 0);
      if (!answered(before) || seconds <= 0 || seconds > GAP) {
        return null;
      }
      for (const { place } of group.series) {
        const [was, is] = [before.values[place], tick.values[place]];
        if (has(was) && has(is)) {
          // A counter that is smaller than before has begun anew.
          sum = (sum ?? 0) + (is < was ? is : is - was);
        }
      }
      return sum === null ? null : sum / seconds;
    }
  };
})();
