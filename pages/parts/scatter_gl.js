// How the points of a scatter are drawn: one call of WebGL2, round, see-through, with smooth edges.
//
// The buffers stay with the graphics card; a selection uploads one byte a point, a new order four.

const VERTEX = `#version 300 es
layout(location = 0) in vec3 place;
layout(location = 1) in float group;
layout(location = 2) in float size;
layout(location = 3) in float shade; // 0 faded, 1 noise, 2 bright
uniform mat4 camera;
uniform vec2 radii; // smallest and largest, in pixels of the screen
uniform vec3 opacity; // faded, noise, bright
uniform vec3 grey;
uniform vec3 paper;
uniform bool deep;
uniform sampler2D colours;
out vec4 colour;
out float radius;
void main() {
  gl_Position = camera * vec4(place, 1.0);
  vec3 rgb = texelFetch(colours, ivec2(int(group + 0.5), 0), 0).rgb;
  float alpha = shade < 0.5 ? opacity.x : shade < 1.5 ? opacity.y : opacity.z;
  radius = mix(radii.x, radii.y, size);
  if (shade < 0.5) { rgb = mix(rgb, grey, 0.6); radius *= 0.85; }
  if (deep) { // what is far is smaller and paler
    float far = clamp(1.6 * gl_Position.z / gl_Position.w + 0.5, 0.0, 1.0);
    rgb = mix(rgb, paper, 0.6 * far * far);
    radius /= gl_Position.w;
  }
  gl_PointSize = 2.0 * radius + 2.0;
  colour = vec4(rgb * alpha, alpha);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
in float radius;
out vec4 paint;
void main() {
  float away = length(gl_PointCoord - 0.5) * (2.0 * radius + 2.0);
  float cover = clamp(radius + 0.5 - away, 0.0, 1.0);
  if (cover <= 0.0) discard;
  paint = colour * cover;
}`;

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

class Cloud {
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: false, depth: false, alpha: true, premultipliedAlpha: true });
    if (this.gl) this.begin();
  }

  /** Everything that a lost context forgets. */
  begin() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = {};
    for (const name of ["camera", "radii", "opacity", "grey", "paper", "deep"]) {
      this.at[name] = gl.getUniformLocation(program, name);
    }
    this.buffers = ["xy", "group", "size", "shade", "order"].map(() => gl.createBuffer());
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const edge of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, edge, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.count = this.took = 0;
    this.fence = null;
  }

  attribute(index, values, width, kind, normalised) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[index]);
    gl.bufferData(gl.ARRAY_BUFFER, values, index === 3 ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
    gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, width, kind, normalised, 0, 0);
    this.uploaded = (this.uploaded ?? 0) + values.byteLength;
  }

  places(xy, dimensions) { this.attribute(0, xy, dimensions, this.gl.FLOAT, false); }

  colours(group, size) {
    this.attribute(1, group, 1, this.gl.UNSIGNED_BYTE, false);
    this.attribute(2, size, 1, this.gl.UNSIGNED_BYTE, true);
  }

  palette(colours, noise) {
    const { gl } = this;
    const texels = new Uint8Array(256 * 4);
    for (let i = 0; i < 256; i++) texels.set([...rgb(colours[i] ?? noise).map((c) => Math.round(c * 255)), 255], i * 4);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  }

  shades(shade) { this.attribute(3, shade, 1, this.gl.UNSIGNED_BYTE, false); }

  /** Which points are drawn, the first at the bottom. */
  order(indices) {
    const { gl } = this;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers[4]);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.DYNAMIC_DRAW);
    this.count = indices.length;
  }

  /** Draw all of it; `camera` is 4 x 4, row by row. */
  draw(camera, { radii, opacity, grey, paper, deep }) {
    const { gl, at, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniformMatrix4fv(at.camera, true, camera);
    gl.uniform2fv(at.radii, radii);
    gl.uniform3fv(at.opacity, opacity);
    gl.uniform3fv(at.grey, rgb(grey));
    gl.uniform3fv(at.paper, rgb(paper));
    gl.uniform1i(at.deep, deep ? 1 : 0);
    if (this.count) gl.drawElements(gl.POINTS, this.count, gl.UNSIGNED_INT, 0);
    this.began = performance.now();
    this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
  }

  /** Whether the card still draws; afterwards `took` says for how many milliseconds it did. */
  busy() {
    const { gl, fence } = this;
    if (!fence || gl.isContextLost()) return false;
    if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return true;
    gl.deleteSync(fence);
    this.fence = null;
    this.took = performance.now() - this.began;
    return false;
  }
}

/**
 * Bright points above noise, noise above faded ones; among equals in a fixed mixed order, or by depth.
 * Of every `step` points one is drawn.
 */
function drawOrder(shade, hidden, group, depth, spare, step) {
  const n = shade.length;
  const levels = depth ? 1024 : 1;
  const starts = new Uint32Array(3 * levels + 1);
  const rank = spare.rank.length === n ? spare.rank : (spare.rank = new Uint16Array(n));
  let seen = 0;
  for (let at = 0; at < n; at += step) {
    const i = spare.mixed[at];
    if (hidden[group[i]]) { rank[i] = 0xffff; continue; }
    rank[i] = shade[i] * levels + (depth ? Math.max(0, Math.min(1023, depth[i])) : 0);
    starts[rank[i] + 1]++;
    seen++;
  }
  for (let r = 1; r < starts.length; r++) starts[r] += starts[r - 1];
  const order = new Uint32Array(seen);
  for (let at = 0; at < n; at += step) {
    const i = spare.mixed[at];
    if (rank[i] !== 0xffff) order[starts[rank[i]]++] = i;
  }
  return order;
}

/** 0 … n - 1 in a mixed order that is always the same, so that no group lies over another as a whole. */
function mixed(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 7;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((seed / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Points of the screen in square cells, so that the nearest one is found without looking at all of them. */
class Nearby {
  constructor(x, y, skip, width, height, reach) {
    Object.assign(this, { x, y, reach, across: Math.ceil(width / reach) + 1, down: Math.ceil(height / reach) + 1 });
    const cells = new Int32Array(x.length);
    this.starts = new Uint32Array(this.across * this.down + 1);
    for (let i = 0; i < x.length; i++) {
      const c = x[i] < 0 || y[i] < 0 || x[i] > width || y[i] > height || skip(i) ? -1 : this.cell(x[i], y[i]);
      cells[i] = c;
      if (c >= 0) this.starts[c + 1]++;
    }
    for (let c = 1; c < this.starts.length; c++) this.starts[c] += this.starts[c - 1];
    const next = this.starts.slice();
    this.members = new Uint32Array(this.starts[this.starts.length - 1]);
    for (let i = 0; i < x.length; i++) if (cells[i] >= 0) this.members[next[cells[i]]++] = i;
  }

  cell(x, y) { return Math.floor(y / this.reach) * this.across + Math.floor(x / this.reach); }

  /** The point nearest to a place of the screen within reach; -1 where there is none. */
  find(px, py) {
    let best = -1;
    let least = this.reach * this.reach;
    const [cx, cy] = [Math.floor(px / this.reach), Math.floor(py / this.reach)];
    for (let r = Math.max(0, cy - 1); r <= Math.min(this.down - 1, cy + 1); r++) {
      for (let c = Math.max(0, cx - 1); c <= Math.min(this.across - 1, cx + 1); c++) {
        const cell = r * this.across + c;
        for (let at = this.starts[cell]; at < this.starts[cell + 1]; at++) {
          const i = this.members[at];
          const away = (this.x[i] - px) ** 2 + (this.y[i] - py) ** 2;
          if (away < least) [best, least] = [i, away];
        }
      }
    }
    return best;
  }
}
