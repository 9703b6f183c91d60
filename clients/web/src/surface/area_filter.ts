/**
 * Scales an image down by area averaging with WebGL2: each output pixel is the mean of the source pixels it
 * covers, weighted by the covered area.
 *
 * Fine structures become evenly grey. The browser's own scaling samples only four pixels and produces
 * patterns (moiré) that are not in the image.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `preserveDrawingBuffer` is on because only changed parts are redrawn. */
const CONTEXT: WebGLContextAttributes = {
  alpha: false,
  antialias: false,
  depth: false,
  stencil: false,
  preserveDrawingBuffer: true,
};

/** Most bytes uploaded in one call, to keep the browser's temporary copies small. */
const BAND_BYTES = 256 * 1024;

/** Vertex shader: one triangle that covers the whole canvas. */
const VERTEX_SHADER = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

/** Fragment shader: averages the source pixels that an output pixel covers. */
const FRAGMENT_SHADER = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D source;
uniform vec2 sourceSize;
uniform vec2 outputSize;
out vec4 color;

void main() {
  // Measure from the upper left corner, where the source's first row is.
  vec2 at = vec2(gl_FragCoord.x, outputSize.y - gl_FragCoord.y) - 0.5;
  vec2 from = at * sourceSize / outputSize;
  vec2 to = (at + 1.0) * sourceSize / outputSize;
  ivec2 first = ivec2(floor(from));
  ivec2 end = ivec2(min(ceil(to), sourceSize));
  vec4 sum = vec4(0.0);
  for (int y = first.y; y < end.y; y++) {
    float high = min(to.y, float(y) + 1.0) - max(from.y, float(y));
    for (int x = first.x; x < end.x; x++) {
      float wide = min(to.x, float(x) + 1.0) - max(from.x, float(x));
      sum += high * wide * vec4(texelFetch(source, ivec2(x, y), 0).rgb, 1.0);
    }
  }
  color = vec4(sum.rgb / sum.a, 1.0);
}`;

export class AreaFilter {
  readonly canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  #texture: WebGLTexture | null = null;
  #source: Size = { width: 0, height: 0 };
  #output: Size = { width: 0, height: 0 };

  /** Throws when the browser does not support WebGL2. */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", CONTEXT);
    if (gl === null) throw new Error("this browser gives no WebGL2");
    this.canvas = canvas;
    this.#gl = gl;
    this.#program = linkProgram(gl);
    gl.useProgram(this.#program);
    gl.enable(gl.SCISSOR_TEST);
  }

  /**
   * Sets the sizes of source and output in px. Returns `source` when the whole source must be loaded again,
   * `size` when the whole output must be redrawn, and null when nothing changed. Throws when the source is
   * too large for the graphics card.
   */
  fit(source: Size, output: Size): "source" | "size" | null {
    const gl = this.#gl;
    const same = sameSize(source, this.#source);
    if (same && sameSize(output, this.#output)) return null;
    if (!same) {
      if (Math.max(source.width, source.height) > Number(gl.getParameter(gl.MAX_TEXTURE_SIZE)))
        throw new Error("the image is too large for this graphics card");
      gl.deleteTexture(this.#texture);
      this.#texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, this.#texture);
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, source.width, source.height);
      this.#source = { ...source };
    }
    this.canvas.width = output.width;
    this.canvas.height = output.height;
    this.#output = { ...output };
    gl.viewport(0, 0, output.width, output.height);
    gl.uniform2f(gl.getUniformLocation(this.#program, "sourceSize"), source.width, source.height);
    gl.uniform2f(gl.getUniformLocation(this.#program, "outputSize"), output.width, output.height);
    return same ? "size" : "source";
  }

  /** Returns whether the texture has this size, so that parts of the source can be loaded. */
  hasSize(source: Size): boolean {
    return sameSize(source, this.#source);
  }

  /** Loads the RGBA pixels of a part of the source; they start at byte `offset` of `pixels`. */
  load({ x, y, width, height }: Rectangle, pixels: ArrayBuffer, offset: number): void {
    const gl = this.#gl;
    const stride = width * 4;
    const bytes = new Uint8Array(pixels, offset, stride * height);
    for (const [top, rows] of bands(height, stride)) {
      const from = top * stride;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y + top, width, rows, gl.RGBA, gl.UNSIGNED_BYTE, bytes, from);
    }
  }

  /** Redraws the part of the output that shows this part of the source. */
  draw({ x, y, width, height }: Rectangle): void {
    const gl = this.#gl;
    const across = this.#output.width / this.#source.width;
    const down = this.#output.height / this.#source.height;
    const left = Math.floor(x * across);
    const top = Math.floor(y * down);
    const right = Math.ceil((x + width) * across);
    const bottom = Math.ceil((y + height) * down);
    gl.scissor(left, this.#output.height - bottom, right - left, bottom - top);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Releases the texture's memory; `fit` allocates it again. */
  releaseMemory(): void {
    this.#gl.deleteTexture(this.#texture);
    this.#texture = null;
    this.#source = { width: 0, height: 0 };
    this.#output = { width: 0, height: 0 };
    this.canvas.width = 1;
    this.canvas.height = 1;
  }
}

/**
 * Splits `height` rows into bands that are read or loaded at once; yields the top row and the number of rows
 * of each.
 */
export function* bands(height: number, strideBytes: number): Generator<[number, number]> {
  const rows = Math.max(1, Math.floor(BAND_BYTES / strideBytes));
  for (let top = 0; top < height; top += rows) yield [top, Math.min(rows, height - top)];
}

function sameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

function linkProgram(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX_SHADER],
    [gl.FRAGMENT_SHADER, FRAGMENT_SHADER],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("the graphics card's context was lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true)
    throw new Error(`the area filter cannot be linked: ${gl.getProgramInfoLog(program)}`);
  return program;
}
