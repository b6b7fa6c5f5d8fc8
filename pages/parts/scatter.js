// The scatter of paths in the visitor's browser: moving about, the lasso, the legend, the tooltip.
//
// It is mounted three times for one picture: twice with a parcel of bytes, which is only kept, and once with
// the words around them, which shows the picture. Beside this stands scatter_gl.js, which draws.

const REACH = 8; // pixels within which a point answers the pointer
const NOISE = 255;
const EYE = "M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8 12.1 12.2 8 12.2 1.5 8 1.5 8z M8 9.8a1.8 1.8 0 100-3.6 1.8 1.8 0 000 3.6z";
const ICONS = {
  pan: "M8 1.5v13M1.5 8h13M6.3 3.2L8 1.5l1.7 1.7M6.3 12.8L8 14.5l1.7-1.7M3.2 6.3L1.5 8l1.7 1.7M12.8 6.3L14.5 8l-1.7 1.7",
  rotate: "M13.5 8a5.5 5.5 0 11-1.6-3.9M13.6 1.6v2.9h-2.9",
  lasso: "M8 2.2c3.6 0 6.2 1.7 6.2 4s-2.6 4.1-6.2 4.1-6.2-1.8-6.2-4.1 2.6-4 6.2-4z M5 10c-1 .6-1.2 1.9-.2 2.4s2 .2 2.2 1.8",
  reset: "M2 6V2h4M14 6V2h-4M2 10v4h4M14 10v4h-4",
};
const TYPES = { float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array };
const PER_LOG = 3640; // seconds travel on a logarithmic scale; see scatter.py

const parcels = new Map(); // mark → arrays
const holders = new WeakMap(); // where a parcel is mounted → its mark
const scatters = new WeakMap(); // where a picture is mounted → it
const waiting = new Set(); // pictures whose parcels have not come yet
const remembered = new Map(); // key → view, for a picture that is mounted again

export default function (component) {
  return component.data instanceof Uint8Array ? keep(component) : show(component);
}

function keep({ data, parentElement }) {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  const drop = () => {
    const held = parcels.get(holders.get(parentElement));
    if (held && --held.holders === 0) parcels.delete(holders.get(parentElement));
    holders.delete(parentElement);
  };
  if (holders.get(parentElement) !== head.mark) {
    drop();
    holders.set(parentElement, head.mark);
    if (!parcels.has(head.mark)) {
      const body = data.slice(4 + length).buffer;
      const parcel = { holders: 0 };
      for (const [name, kind, start, shape] of head.parts) {
        parcel[name] = new TYPES[kind](body, start, shape.reduce((a, b) => a * b, 1));
        parcel[name].width = shape[1] ?? 1;
      }
      parcels.set(head.mark, parcel);
    }
    parcels.get(head.mark).holders++;
    for (const scatter of [...waiting]) scatter.take();
  }
  return drop;
}

function show(component) {
  const { parentElement } = component;
  if (!scatters.has(parentElement)) scatters.set(parentElement, new Scatter(parentElement));
  const scatter = scatters.get(parentElement);
  scatter.told(component.data, component.setStateValue);
  return () => {
    scatter.end();
    scatters.delete(parentElement);
  };
}

/** An element: make("button.hide", {title: "…"}, children…). */
function make(what, properties = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on") || key === "hidden") element[key] = value;
    else if (key === "colour") element.style.setProperty("--colour", value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function icon(path) {
  const drawn = make("span");
  drawn.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>`;
  return drawn.firstChild;
}

const number = (value) => value.toLocaleString("en-US");

/** How long after the first step: seconds, minutes, hours or days, as a person would say it. */
function time(code) {
  const seconds = Math.expm1(code / PER_LOG);
  if (seconds > 0.5 && seconds < 59.5) return `+${Math.round(seconds)} s`;
  if (seconds < 5400) return `+${Math.round(seconds / 60)} min`;
  const [amount, unit] = seconds < 129600 ? [seconds / 3600, "h"] : [seconds / 86400, "days"];
  return `+${amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount)} ${unit}`;
}

/**
 * Whether a place is in a polygon by the even-odd rule, in the same arithmetic as scatter.py, so that both count
 * the same. The edges are kept by bands of y, so that a place looks at those beside it alone.
 */
function lassoed(polygon) {
  const [xs, ys] = [polygon.map((p) => p[0]), polygon.map((p) => p[1])];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const bands = Array.from({ length: 64 }, () => []);
  const band = (y) => clamp(Math.floor(((y - low) / (high - low || 1)) * 64), 0, 63);
  polygon.forEach(([xi, yi], i) => {
    const [xj, yj] = polygon.at(i - 1);
    for (let b = band(Math.min(yi, yj)); b <= band(Math.max(yi, yj)); b++) bands[b].push([xi, yi, xj, yj]);
  });
  return (x, y) => {
    if (!(x >= left && x <= right && y >= low && y <= high)) return false;
    let odd = false;
    for (const [xi, yi, xj, yj] of bands[band(y)]) {
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
    }
    return odd;
  };
}

class Scatter extends Gestures {
  constructor(root) {
    super();
    this.canvas = make("canvas.points", { role: "img", tabindex: "0" });
    this.over = make("canvas.over-it", { "aria-hidden": "true" });
    this.tip = make("div.tip", { role: "tooltip", hidden: true });
    this.said = make("div.said", { role: "status" });
    this.tools = make("div.tools", { role: "toolbar", "aria-label": "Picture" });
    this.plot = make("div.plot", {}, this.canvas, this.over, this.said, this.tools, this.tip);
    this.legend = make("div.legend", { role: "group", "aria-label": "Legend" });
    this.box = make("div.scatter", {}, this.plot, this.legend);
    root.append(this.box);
    this.hidden = new Uint8Array(256);
    this.spare = { rank: new Uint16Array(0), mixed: mixed(0) };
    this.started = performance.now();
    this.frames = 0;
    this.cloud = new Cloud(this.canvas);
    if (!this.cloud.gl) {
      const sentence = "This picture needs WebGL 2, which this browser does not offer or has switched off.";
      this.plot.replaceChildren(make("p.sentence", {}, sentence));
      this.canvas.dataset.ready = "0";
      return;
    }
    this.listen();
    this.canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.lost = true; });
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.lost = false;
      this.cloud.begin();
      this.load();
    });
    this.sizes = new ResizeObserver(() => { this.nearby = null; this.resize(); });
    this.sizes.observe(this.plot);
    this.canvas.cartscape = this; // for tests: where a point is drawn, what is picked
  }

  end() {
    waiting.delete(this);
    this.sizes?.disconnect();
    cancelAnimationFrame(this.asked);
    clearTimeout(this.resting);
    this.cloud.gl?.getExtension("WEBGL_lose_context")?.loseContext();
    this.box.remove();
  }

  /** New words from the server; its parcels may still be on their way. */
  told(words, send) {
    this.send = send;
    this.next = words;
    this.box.style.setProperty("--height", `${words.height}px`);
    this.canvas.setAttribute("aria-label", words.alt);
    if (this.cloud.gl) this.take();
  }

  take() {
    const places = parcels.get(this.next.places);
    const colours = parcels.get(this.next.colours);
    if (!places || !colours || places.xy.length / places.xy.width !== colours.group.length) return void waiting.add(this);
    waiting.delete(this);
    const before = this.words;
    this.words = this.next;
    const same = JSON.stringify({ ...before, picked: null }) === JSON.stringify({ ...this.words, picked: null });
    if (same && this.places === places && this.colours === colours) return this.soon(); // the theme may be another
    const moved = this.places !== places && before?.places !== this.words.places;
    const painted = before?.colours !== this.words.colours;
    Object.assign(this, { places, colours, n: colours.group.length, deep: places.xy.width === 3 });
    if (moved) {
      this.spare.mixed = mixed(this.n);
      this.measure();
      this.view = this.start();
      const kept = remembered.get(this.words.key);
      if (kept?.places === this.words.places) this.view = { ...kept.view };
      this.hidden.fill(0);
      this.picked = before ? null : this.words.picked;
    }
    if (before && before.token !== this.words.token) this.picked = null;
    if (before && before.of.groups !== this.words.of.groups) {
      this.hidden.fill(0);
      if (this.picked?.kind === "group") this.picked = null;
    }
    this.load({ places: moved, colours: moved || painted });
    this.drawTools();
  }

  /** Give the graphics card what it lacks, then draw. */
  load(what = { places: true, colours: true }) {
    if (!this.places || this.lost) return;
    if (what.places) this.cloud.places(this.places.xy, this.places.xy.width);
    if (what.colours) this.cloud.colours(this.colours.group, this.colours.size);
    const { groups, look } = this.words;
    this.cloud.palette(groups.map(([, colour]) => colour), look.muted);
    this.chosen();
  }

  /** Work out which points are bright after a change of what is picked, found or hidden. */
  chosen() {
    const { n, colours: { group, lit }, places: { xy }, picked } = this;
    const shade = new Uint8Array(n);
    let member = () => true;
    if (picked?.kind === "group") member = (i) => group[i] === picked.group;
    if (picked?.kind === "lasso") {
      const { polygon, view, hidden } = picked;
      const within = lassoed(polygon);
      member = (i) => {
        if (hidden.includes(group[i])) return false;
        const at = i * xy.width;
        return within(...(this.deep ? project(view, xy[at], xy[at + 1], xy[at + 2]) : [xy[at], xy[at + 1]]));
      };
    }
    let [selected, found] = [0, 0];
    for (let i = 0; i < n; i++) {
      const mine = member(i);
      if (mine) selected++;
      if (lit?.[i]) found++;
      if (mine && (!lit || lit[i])) shade[i] = group[i] === NOISE ? 1 : 2;
    }
    Object.assign(this, { shade, found, selected: picked ? (picked.kind === "point" ? 1 : selected) : 0 });
    this.cloud.shades(shade);
    this.ordered = 0;
    this.nearby = null;
    this.drawLegend();
    this.say();
    this.soon();
  }

  pick(picked) {
    const of = this.words.of[picked?.kind === "group" ? "groups" : "places"];
    const told = { ...(picked ?? { kind: "nothing" }), of, token: this.words.token };
    this.picked = picked && told;
    this.chosen();
    this.send("picked", told);
  }

  hide(group) {
    this.hidden[group] = 1 - this.hidden[group];
    this.point = -1;
    this.chosen();
  }

  say() {
    const { picked, selected, found, n, colours } = this;
    const words = [];
    if (picked?.kind === "point") words.push("1 path picked");
    else if (picked) words.push(`${number(selected)} of ${number(n)} paths picked`);
    if (colours.lit) words.push(`${number(found)} of ${number(n)} found`);
    const clear = make("button", { type: "button", onclick: () => this.pick(null), title: "Esc" }, "Clear");
    this.said.replaceChildren(make("span", {}, words.join(" · ")), ...(picked ? [clear] : []));
    Object.assign(this.canvas.dataset, { selected, picked: picked?.kind ?? "" });
  }

  drawTools() {
    const free = this.deep ? "rotate" : "pan";
    const button = (name, label, pressed, act) => {
      const made = make("button", { type: "button", title: label, "aria-label": label, onclick: act }, icon(ICONS[name]));
      if (pressed !== null) made.setAttribute("aria-pressed", pressed);
      return made;
    };
    this.tools.replaceChildren(
      button(free, this.deep ? "Rotate (P)" : "Pan (P)", !this.lassoing, () => this.use(false)),
      button("lasso", "Lasso (L, or Shift and drag)", !!this.lassoing, () => this.use(true)),
      button("reset", "Reset the view (double click)", null, () => this.reset()),
    );
    this.canvas.classList.toggle("drawing", !!this.lassoing);
  }

  drawLegend() {
    const { words, picked, hidden } = this;
    const counts = new Uint32Array(256);
    for (const group of this.colours.group) counts[group]++;
    const held = this.box.getRootNode().activeElement?.dataset?.act; // focus outlives the new entries
    const entry = (group, label, colour, count) => {
      const tell = `${hidden[group] ? "Show" : "Hide"} ${label}`;
      const act = (event) => (event.altKey ? this.hide(group) : this.pick(mine ? null : { kind: "group", group }));
      const mine = picked?.kind === "group" && picked.group === group;
      return make(`li${mine ? ".picked" : ""}${hidden[group] ? ".hidden" : ""}`, {},
        make("button.entry", { type: "button", "aria-pressed": mine, "data-act": `pick ${group}`, onclick: act },
          make("span.dot", { colour }), make("span", {}, label), make("span", {}, typeof count === "string" ? count : number(count ?? counts[group]))),
        make("button.hide", { type: "button", title: tell, "aria-label": tell, "aria-pressed": !!hidden[group],
          "data-act": `hide ${group}`, onclick: () => this.hide(group) }, icon(hidden[group] ? `${EYE}M2.5 13.5l11-11` : EYE)));
    };
    const entries = words.scale ? [] : words.groups.map((its, group) => entry(group, ...its));
    if (counts[NOISE]) entries.push(entry(NOISE, words.noise, words.look.muted, words.noiseCount));
    const ramp = words.scale
      ? [
          make("div.ramp", { style: `background: linear-gradient(to right, ${words.groups.map((g) => g[1]).join(", ")})` }),
          make("div.ends", {}, ...words.scale.map((word) => make("span", {}, word))),
        ]
      : [];
    this.legend.replaceChildren(...ramp, make("ul", {}, ...entries));
    if (held) this.legend.querySelector(`[data-act="${held}"]`)?.focus();
  }

  /** The tooltip of a point beside the pointer; none for -1. */
  hover(point, x, y) {
    if (point === this.point && point < 0) return;
    const { places: { steps, minutes, lengths }, colours: { group }, words } = this;
    this.tip.hidden = point < 0;
    this.canvas.classList.toggle("over", point >= 0 && !this.lassoing);
    if (point !== this.point && point >= 0) {
      const [label, colour] = words.groups[group[point]] ?? [words.noise, words.look.muted];
      const line = make("div.line");
      const m = steps.width;
      let shown = 0;
      for (let at = point * m; at < (point + 1) * m && steps[at] !== 255; at++, shown++) {
        if (shown) line.lastChild.append(make("span.arrow", {}, " →"));
        const when = minutes[at] === 65535 ? "" : ` ${time(minutes[at])}`;
        if (shown) line.append(" ");
        line.append(make("span.step", {}, words.names[steps[at]] ?? "?", make("small", {}, when)));
      }
      const rest = (lengths?.[point] ?? shown) - shown;
      if (!shown) line.append(make("span.rest", {}, "Too few shoppers share its steps to tell them"));
      else if (rest > 0) line.append(make("span.rest", {}, ` … ${number(rest)} more`));
      this.tip.replaceChildren(make("b", {}, make("span.dot", { colour }), label), line);
    }
    this.point = point;
    if (point >= 0) {
      const { width, height } = this.size;
      const [w, h] = [this.tip.offsetWidth, this.tip.offsetHeight];
      this.tip.style.left = `${Math.max(4, x + 16 + w < width ? x + 14 : x - w - 14)}px`;
      this.tip.style.top = `${Math.max(4, Math.min(y + 12, height - h - 4))}px`;
    }
    this.mark();
  }
}
