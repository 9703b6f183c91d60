/**
 * A picture made smaller by averaging: each pixel shown is the mean of what it covers, parts of pixels by their share. WebGL2.
 *
 * Fine structures become grey, evenly; what a browser does by itself looks at four pixels only, and makes patterns of them that are not there.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `preserveDrawingBuffer`: only what changed is drawn anew. */
const CONTEXT: WebGLContextAttributes = {
  alpha: false,
  antialias: false,
  depth: false,
  stencil: false,
  preserveDrawingBuffer: true,
};

/** Loaded at once at most, so that what browsers copy on the way stays small. */
const BAND_BYTES = 256 * 1024;

/** One triangle that covers everything. */
const VERTICES = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const PIXELS = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D picture;
uniform vec2 pictureSize;
uniform vec2 shownSize;
out vec4 shown;

void main() {
  // From the upper left corner, where the picture's first row is.
  vec2 at = vec2(gl_FragCoord.x, shownSize.y - gl_FragCoord.y) - 0.5;
  vec2 from = at * pictureSize / shownSize;
  vec2 to = (at + 1.0) * pictureSize / shownSize;
  ivec2 first = ivec2(floor(from));
  ivec2 end = ivec2(min(ceil(to), pictureSize));
  vec4 sum = vec4(0.0);
  for (int y = first.y; y < end.y; y++) {
    float high = min(to.y, float(y) + 1.0) - max(from.y, float(y));
    for (int x = first.x; x < end.x; x++) {
      float wide = min(to.x, float(x) + 1.0) - max(from.x, float(x));
      sum += high * wide * vec4(texelFetch(picture, ivec2(x, y), 0).rgb, 1.0);
    }
  }
  shown = vec4(sum.rgb / sum.a, 1.0);
}`;

export class AreaFilter {
  readonly canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  #texture: WebGLTexture | null = null;
  #picture: Size = { width: 0, height: 0 };
  #shown: Size = { width: 0, height: 0 };

  /** Throws where there is no WebGL2. */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", CONTEXT);
    if (gl === null) throw new Error("this browser gives no WebGL2");
    this.canvas = canvas;
    this.#gl = gl;
    this.#program = linked(gl);
    gl.useProgram(this.#program);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** Sizes of the picture and of what is shown, px; what is new: of another picture everything is to be loaded, in another size to be drawn. Throws when a picture is too large. */
  fit(picture: Size, shown: Size): "source" | "size" | null {
    const gl = this.#gl;
    const same = alike(picture, this.#picture);
    if (same && alike(shown, this.#shown)) return null;
    if (!same) {
      if (Math.max(picture.width, picture.height) > Number(gl.getParameter(gl.MAX_TEXTURE_SIZE)))
        throw new Error("the picture is too large for this graphics card");
      gl.deleteTexture(this.#texture);
      this.#texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, this.#texture);
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, picture.width, picture.height);
      this.#picture = { ...picture };
    }
    this.canvas.width = shown.width;
    this.canvas.height = shown.height;
    this.#shown = { ...shown };
    gl.viewport(0, 0, shown.width, shown.height);
    gl.uniform2f(gl.getUniformLocation(this.#program, "pictureSize"), picture.width, picture.height);
    gl.uniform2f(gl.getUniformLocation(this.#program, "shownSize"), shown.width, shown.height);
    return same ? "size" : "source";
  }

  /** Whether parts of a picture of this size can be loaded. */
  holds(picture: Size): boolean {
    return alike(picture, this.#picture);
  }

  /** RGBA of a part of the picture, from `offset` on in `pixels`, bytes. */
  load({ x, y, width, height }: Rectangle, pixels: ArrayBuffer, offset: number): void {
    const gl = this.#gl;
    const stride = width * 4;
    const bytes = new Uint8Array(pixels, offset, stride * height);
    for (const [top, rows] of bands(height, stride)) {
      const from = top * stride;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y + top, width, rows, gl.RGBA, gl.UNSIGNED_BYTE, bytes, from);
    }
  }

  /** Shows a part of the picture as it is loaded. */
  draw({ x, y, width, height }: Rectangle): void {
    const gl = this.#gl;
    const across = this.#shown.width / this.#picture.width;
    const down = this.#shown.height / this.#picture.height;
    const left = Math.floor(x * across);
    const top = Math.floor(y * down);
    const right = Math.ceil((x + width) * across);
    const bottom = Math.ceil((y + height) * down);
    gl.scissor(left, this.#shown.height - bottom, right - left, bottom - top);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Gives its memory back; `fit` brings it again. */
  releaseMemory(): void {
    this.#gl.deleteTexture(this.#texture);
    this.#texture = null;
    this.#picture = { width: 0, height: 0 };
    this.#shown = { width: 0, height: 0 };
    this.canvas.width = 1;
    this.canvas.height = 1;
  }
}

/** Top and height of rows that are read or loaded at once. */
export function* bands(height: number, strideBytes: number): Generator<[number, number]> {
  const rows = Math.max(1, Math.floor(BAND_BYTES / strideBytes));
  for (let top = 0; top < height; top += rows) yield [top, Math.min(rows, height - top)];
}

function alike(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTICES],
    [gl.FRAGMENT_SHADER, PIXELS],
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
