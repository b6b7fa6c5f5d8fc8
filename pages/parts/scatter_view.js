// Where a scatter looks and how a hand moves it: camera, pan, rotation, zoom, lasso, keys.

const EDGE = 24; // pixels kept free around all points
const FARTHEST = 0.4; // of the zoom that shows all
const NEAREST = 400;
const AWAY = 4; // how far the eye is from points within 1, in 3-D
const CLICK = 4; // pixels that a hand may tremble
const CORNERS = 60; // of a lasso at most: it travels in a link
const TRACED = 600; // of a lasso before it is evened out
const STRAIGHT = 4; // square pixels: twice the triangle of a corner that makes no difference
const FEWEST = 5_000; // points that are drawn in any case
const REST = 160; // milliseconds without a move before all points are drawn again
const HELD = 600; // the same while the hand holds the picture
const SLOW = 40; // milliseconds of a frame that are too many
const QUICK = 20; // and those that leave room for more points

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** A point under a 4 x 4 projection, row by row: from -1 to 1 across the picture. */
function project(m, x, y, z) {
  const away = m[12] * x + m[13] * y + m[14] * z + m[15];
  return [(m[0] * x + m[1] * y + m[2] * z + m[3]) / away, (m[4] * x + m[5] * y + m[6] * z + m[7]) / away];
}

/** A closed line without the corners that change it least: at most CORNERS, and none that is nearly straight. */
function evened(line) {
  const corners = [...line];
  const bend = (i) => {
    const [[ax, ay], [bx, by], [cx, cy]] = [corners.at(i - 1), corners[i], corners[(i + 1) % corners.length]];
    return Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay));
  };
  while (corners.length > 3) {
    let least = 0;
    for (let i = 1; i < corners.length; i++) if (bend(i) < bend(least)) least = i;
    if (corners.length <= CORNERS && bend(least) > STRAIGHT) break;
    corners.splice(least, 1);
  }
  return corners;
}

/** Pixels, or coordinates of which one takes so many pixels, to a tenth of a pixel or finer. */
const rounded = (value, pixels) => Number(value.toFixed(clamp(Math.ceil(Math.log10(10 * pixels)), 0, 9)));

class Gestures {
  size = { width: 0, height: 0 };
  point = -1; // under the pointer
  line = null; // of a lasso that is being drawn, in pixels
  thin = 1; // while the view moves, one of so many points is drawn

  listen() {
    const { canvas } = this;
    const on = (name, act) => canvas.addEventListener(name, act, { passive: false });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.drag(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", () => this.abandon());
    on("pointerleave", () => this.pressed || this.hover(-1));
    on("dblclick", () => this.reset());
    on("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode ? 16 : 1);
      this.zoom(clamp(Math.exp(-pixels * 0.0015), 0.5, 2), ...this.place(event));
    });
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    if (event.button !== 0 || !this.places) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pressed = this.last = this.place(event);
    this.dragged = false;
    this.line = this.lassoing || event.shiftKey ? [this.pressed] : null;
  }

  drag(event) {
    if (!this.places) return;
    const [x, y] = this.place(event);
    if (!this.pressed) return this.hover(this.lost ? -1 : this.under(x, y), x, y);
    if (!this.dragged && Math.hypot(x - this.pressed[0], y - this.pressed[1]) < CLICK) return;
    if (!this.dragged) this.hover(-1);
    this.dragged = true;
    if (this.line) {
      const [lx, ly] = this.line[this.line.length - 1];
      if (Math.hypot(x - lx, y - ly) >= 4) this.line.push([x, y]);
      return this.mark();
    }
    this.canvas.classList.add("moving");
    const [dx, dy] = [x - this.last[0], y - this.last[1]];
    this.last = [x, y];
    if (this.deep) {
      this.turn({ yaw: this.view.yaw + dx * 0.008, pitch: clamp(this.view.pitch + dy * 0.008, -1.57, 1.57) });
    } else this.turn({ cx: this.view.cx - dx / this.view.k, cy: this.view.cy + dy / this.view.k });
  }

  release(event) {
    if (!this.pressed) return;
    const [line, dragged] = [this.line, this.dragged];
    this.abandon();
    if (!dragged) {
      const point = this.under(...this.place(event));
      if (point >= 0) this.pick({ kind: "point", point });
    } else if (line?.length > 2) this.close(line);
  }

  abandon() {
    this.pressed = this.line = null;
    this.canvas.classList.remove("moving");
    this.mark();
  }

  /** A lasso is closed: its corners in data coordinates, in 3-D on the screen with the view they are of. */
  close(line) {
    const step = Math.ceil(line.length / TRACED);
    const { width, height } = this.size;
    const { cx, cy, k } = this.view;
    const polygon = evened(line.filter((_, i) => i % step === 0)).map(([x, y]) =>
      this.deep
        ? [rounded((2 * x) / width - 1, width / 2), rounded(1 - (2 * y) / height, height / 2)]
        : [rounded(cx + (x - width / 2) / k, k), rounded(cy - (y - height / 2) / k, k)]);
    const hidden = [...this.hidden.keys()].filter((group) => this.hidden[group]);
    const view = this.deep ? this.camera().map((value) => Number(value.toPrecision(7))) : [];
    this.pick({ kind: "lasso", polygon, hidden, view });
  }

  key(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.places) return;
    if (event.target !== this.canvas && !["l", "L", "p", "P", "Escape"].includes(key)) return; // a button's own key
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    const { width, height } = this.size;
    if (key === "l" || key === "L") this.use(true);
    else if (key === "p" || key === "P") this.use(false);
    else if (key === "0") this.reset();
    else if (key === "+" || key === "=") this.zoom(1.25, width / 2, height / 2);
    else if (key === "-") this.zoom(0.8, width / 2, height / 2);
    else if (key === "Escape") {
      if (this.pressed) this.abandon();
      else if (this.picked) this.pick(null);
      else this.use(false);
    } else if (arrow && this.deep) {
      this.turn({ yaw: this.view.yaw + arrow[0] * 0.1, pitch: clamp(this.view.pitch - arrow[1] * 0.1, -1.57, 1.57) });
    } else if (arrow) {
      this.turn({ cx: this.view.cx + (arrow[0] * 60) / this.view.k, cy: this.view.cy + (arrow[1] * 60) / this.view.k });
    } else return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
  }

  use(lasso) {
    this.lassoing = lasso;
    this.drawTools();
  }

  reset() {
    this.view = this.start();
    this.turn({ fit: true });
  }

  zoom(by, x, y) {
    if (!this.places) return;
    if (this.deep) return this.turn({ zoom: clamp(this.view.zoom * by, FARTHEST, 40) });
    const { cx, cy, k } = this.view;
    const whole = this.start().k;
    const next = clamp(k * by, whole * FARTHEST, whole * NEAREST);
    const [dx, dy] = [x - this.size.width / 2, y - this.size.height / 2];
    this.turn({ k: next, cx: cx + dx / k - dx / next, cy: cy - dy / k + dy / next });
  }

  turn(change) {
    this.view = { ...this.view, fit: false, ...change };
    remembered.set(this.words.key, { places: this.words.places, view: this.view });
    this.nearby = null;
    if (!this.pressed) this.hover(-1);
    this.moving ??= { took: 0, quick: 0 };
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.moving = null;
      this.soon();
    }, Math.max(this.pressed ? HELD : REST, 2 * this.moving.took)); // a slow frame is no rest
    this.soon();
  }

  /** Where frames take long, as without a graphics card, fewer points move; all are back at rest. */
  pace(took) {
    const { moving, n, thin } = this;
    if (!moving) return;
    moving.took = took;
    moving.quick = took < QUICK ? moving.quick + 1 : 0;
    if (took > SLOW) this.thin = Math.max(thin, 2 ** Math.floor(Math.log2(Math.min((thin * took) / QUICK, n / FEWEST))));
    else if (moving.quick > 30 && thin > 1) [this.thin, moving.quick] = [thin / 2, 0];
  }

  /** The bounds of all points. */
  measure() {
    const { xy } = this.places;
    const { width } = xy;
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (let at = 0; at < xy.length; at++) {
      const axis = at % width;
      if (xy[at] < low[axis]) low[axis] = xy[at];
      if (xy[at] > high[axis]) high[axis] = xy[at];
    }
    if (!xy.length) [low.fill(0), high.fill(1)];
    this.middle = low.map((value, axis) => (axis < width ? (value + high[axis]) / 2 : 0));
    this.spans = low.map((value, axis) => (axis < width ? Math.max(high[axis] - value, 1e-9) : 0));
    if (width < 3) return;
    const [mx, my, mz] = this.middle;
    const away = new Float64Array(xy.length / 3);
    for (let i = 0, at = 0; i < away.length; i++, at += 3) away[i] = Math.hypot(xy[at] - mx, xy[at + 1] - my, xy[at + 2] - mz);
    away.sort();
    // One point in a hundred may lie outside of the picture, for the others to be seen from near.
    this.radius = Math.max(away[Math.floor(away.length * 0.99)] ?? 1, (away[away.length - 1] ?? 1) / 2, 1e-9);
  }

  /** The view that shows all. */
  start() {
    if (this.deep) return { yaw: 0.6, pitch: 0.35, zoom: 1, fit: true };
    const { width, height } = this.size;
    const k = Math.min((width - 2 * EDGE) / this.spans[0], (height - 2 * EDGE) / this.spans[1]);
    return { cx: this.middle[0], cy: this.middle[1], k: Math.max(k, 1e-9), fit: true };
  }

  /** The projection to the picture, row by row. */
  camera() {
    const { width, height } = this.size;
    if (!this.deep) {
      const { cx, cy, k } = this.view;
      const [sx, sy] = [(2 * k) / width, (2 * k) / height];
      return [sx, 0, 0, -cx * sx, 0, sy, 0, -cy * sy, 0, 0, 0, 0, 0, 0, 0, 1];
    }
    const { yaw, pitch, zoom } = this.view;
    const [a, b, c, d] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const rows = [[a, 0, b], [b * d, c, -a * d], [-b * c, d, a * c]]; // to the right, up, towards the eye
    const least = Math.min(width, height) - 2 * EDGE;
    const row = (of, by, more) => {
      const scaled = of.map((value) => (value * by) / this.radius);
      return [...scaled, more - scaled.reduce((sum, value, axis) => sum + value * this.middle[axis], 0)];
    };
    return [
      ...row(rows[0], (zoom * least) / width, 0), ...row(rows[1], (zoom * least) / height, 0),
      ...row(rows[2], -0.25, 0), ...row(rows[2], -1 / AWAY, 1),
    ];
  }

  /** Where a point is drawn, in pixels of the picture. */
  where(i, camera = this.camera()) {
    const { xy } = this.places;
    const at = i * xy.width;
    const [x, y] = project(camera, xy[at], xy[at + 1], this.deep ? xy[at + 2] : 0);
    return [((x + 1) / 2) * this.size.width, ((1 - y) / 2) * this.size.height];
  }

  /** The point under a place of the picture; -1 where there is none. */
  under(px, py) {
    if (!this.nearby) {
      const { n, size, hidden, colours: { group } } = this;
      const camera = this.camera();
      const [xs, ys] = [new Float32Array(n), new Float32Array(n)];
      for (let i = 0; i < n; i++) {
        const [x, y] = this.where(i, camera);
        xs[i] = x;
        ys[i] = y;
      }
      this.nearby = new Nearby(xs, ys, (i) => hidden[group[i]], size.width, size.height, REACH);
    }
    return this.nearby.find(px, py);
  }

  resize() {
    this.size = { width: this.plot.clientWidth, height: this.plot.clientHeight };
    if (this.places && this.view.fit) this.view = this.start();
    this.soon();
  }

  /** Draw at the next frame, or once the card has done with the last: frames that wait in line are lag. */
  soon() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      if (this.cloud.busy()) return void (this.late = true);
      this.draw();
      this.watch();
    });
  }

  watch() {
    requestAnimationFrame(() => {
      if (this.cloud.busy()) return this.watch();
      this.pace(this.cloud.took);
      if (this.late) this.soon();
      this.late = false;
    });
  }

  draw() {
    if (!this.places || this.lost || this.size.width < 1) return;
    const { canvas, over, size, words: { look }, n } = this;
    const ratio = window.devicePixelRatio || 1;
    for (const one of [canvas, over]) {
      const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
      if (one.width !== width || one.height !== height) Object.assign(one, { width, height });
    }
    const camera = this.camera();
    const step = this.moving ? this.thin : 1;
    if (this.deep || this.ordered !== step) {
      const depths = this.deep ? this.depths(camera) : null;
      this.cloud.order(drawOrder(this.shade, this.hidden, this.colours.group, depths, this.spare, step));
      this.ordered = step;
    }
    const near = this.deep ? this.view.zoom : this.view.k / this.start().k;
    // The more of the picture is covered, the more must be seen through, and the smaller are the points.
    const crowd = (n * 20 * clamp(near ** 0.7, 0.6, 7)) / (size.width * size.height * Math.max(near, 0.6) ** 2);
    const grown = ratio * clamp(near ** 0.35, 0.8, 2.6) * clamp(1.12 - 0.12 * Math.log2(1 + crowd), 0.7, 1);
    const alpha = clamp(0.86 - 0.17 * Math.log2(1 + crowd), 0.34, 0.86);
    this.cloud.draw(camera, {
      radii: [1.5 * grown, 6 * grown],
      opacity: [look.dark ? 0.16 : 0.14, alpha * 0.4, alpha],
      grey: look.muted, paper: look.paper, deep: this.deep,
    });
    this.frames++;
    this.first ??= performance.now() - this.started;
    const at = this.deep ? [this.view.yaw, this.view.pitch, this.view.zoom] : [this.view.cx, this.view.cy, this.view.k];
    if (step === 1) canvas.dataset.drawn = this.cloud.count;
    Object.assign(canvas.dataset, { points: n, view: at.map((v) => v.toPrecision(6)).join(" "), ready: "1" });
    this.mark();
  }

  /** How near each point is, from 0 to 1023. */
  depths(m) {
    const { n, places: { xy } } = this;
    const depths = this.spare.depths?.length === n ? this.spare.depths : (this.spare.depths = new Int16Array(n));
    for (let i = 0, at = 0; i < n; i++, at += 3) {
      depths[i] = 512 - 1500 * (m[8] * xy[at] + m[9] * xy[at + 1] + m[10] * xy[at + 2] + m[11]);
    }
    return depths;
  }

  /** What lies over the points: the lasso, and rings around the point under the pointer and the one picked. */
  mark() {
    const { over, picked, size } = this;
    if (!this.places) return;
    // Kept in memory, where clearing takes effect at once; Chromium without a graphics card may show an old ring.
    const pen = over.getContext("2d", { willReadFrequently: true });
    const ratio = over.width / Math.max(size.width, 1);
    const style = getComputedStyle(over);
    const accent = style.getPropertyValue("--st-primary-color");
    const ink = style.getPropertyValue("--st-text-color");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    const camera = this.camera();
    let line = this.line;
    if (!line && picked?.kind === "lasso" && picked.view.every((value, i) => Math.abs(value - camera[i]) < 1e-5)) {
      const flat = (x, y) => (this.deep ? [x, y] : project(camera, x, y, 0));
      const pixels = ([x, y]) => [((x + 1) / 2) * size.width, ((1 - y) / 2) * size.height];
      line = picked.polygon.map(([x, y]) => pixels(flat(x, y)));
    }
    if (line?.length > 1) {
      pen.beginPath();
      for (const [x, y] of line) pen.lineTo(x, y);
      if (!this.line) pen.closePath();
      pen.fillStyle = pen.strokeStyle = accent;
      pen.globalAlpha = 0.07;
      pen.fill("evenodd");
      pen.globalAlpha = 0.9;
      pen.lineWidth = 1.4;
      pen.setLineDash(this.line ? [] : [5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    const ring = (i, colour, width) => {
      const [x, y] = this.where(i, camera);
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.arc(x, y, 7.5, 0, 2 * Math.PI);
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.stroke();
    };
    if (picked?.kind === "point" && picked.point < this.n) ring(picked.point, accent, 2.5);
    if (this.point >= 0) ring(this.point, ink, 1.5);
  }
}
