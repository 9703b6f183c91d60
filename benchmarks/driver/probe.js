/* The probe: runs in the page of any subject and reads its biggest visible canvas or video.
 *
 * It draws the surface into small canvases of its own (drawImage), which works for canvases with any context, also
 * for those transferred to a worker. It never touches the subject's objects. Marks and checksums are those of
 * content/mark.py. Times are wall-clock milliseconds.
 */
(() => {
  "use strict";
  if (window.top !== window || window.lightboxBenchmark) return;

  const CELL = 8, NUMBER_BITS = 12, CHECK_BITS = 4, CELLS = NUMBER_BITS + CHECK_BITS;
  const WEIGHT_STEP = 0x9e3779b2 | 0;
  /* Reads of a frame before it counts as wrong. It may still be incomplete at the first read. */
  const ATTEMPTS = 4;
  /* Wrong frames that are kept for a comparison pixel by pixel. */
  const KEPT_WRONG = 6;
  /* Interval between reads of the last frame at rest, ms. It is long, so that reading does not slow refinement down. */
  const REST_STEP_MS = 20;

  const now = () => performance.timeOrigin + performance.now();

  const canvasOf = (width, height) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas.getContext("2d", { willReadFrequently: true });
  };

  /** Size of a canvas or of a video's current frame, px. */
  const widthOf = (element) => element.videoWidth ?? element.width;
  const heightOf = (element) => element.videoHeight ?? element.height;

  /** Returns the biggest visible canvas or video, or null. Of equal ones it returns the last, which is on top. */
  const surface = () => {
    let best = null, area = 0;
    for (const element of document.querySelectorAll("canvas, video")) {
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      if (style.visibility === "hidden" || style.display === "none" || style.opacity === "0") continue;
      if (widthOf(element) === 0 || heightOf(element) === 0) continue;
      if (box.width * box.height >= area && box.width > 0) { best = element; area = box.width * box.height; }
    }
    return best;
  };

  const checkOf = (number) => (number ^ (number >> 4) ^ (number >> 8) ^ 0x5) & 0xf;

  /** Returns the number in a row of cells, or -1 if there is none. */
  const readMark = (pixels, width, top) => {
    let code = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      const at = ((top + CELL / 2) * width + cell * CELL + CELL / 2) * 4 + 1;
      const level = pixels[at];
      if (level > 96 && level < 160) return -1;
      code = (code << 1) | (level >= 160 ? 1 : 0);
    }
    const number = code >> CHECK_BITS;
    return checkOf(number) === (code & 0xf) ? number : -1;
  };

  const checksum = (bytes) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    let plain = 0, weighted = 0, weight = 1;
    for (let i = 0; i < words.length; i++) {
      const word = words[i];
      plain = (plain + word) | 0;
      weighted = (weighted + Math.imul(word, weight)) | 0;
      weight = (weight + WEIGHT_STEP) | 0;
    }
    return [plain >>> 0, weighted >>> 0];
  };

  const base64 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return btoa(text);
  };

  const strip = canvasOf(CELLS * CELL, CELL * 2);
  let whole = null;

  /** The running observation: the options of `start` and what was seen so far. Null if there is none. */
  let watch = null;
  /** Time of the last press if it is unanswered, otherwise null. */
  let pending = null;

  /** Returns the number on the surface, or -1 if there is none or if top and bottom differ (a torn frame). */
  const readNumber = () => {
    const canvas = surfaceNow();
    if (!canvas) return -1;
    const { x, y, height, twoMarks } = watch;
    const width = CELLS * CELL;
    strip.drawImage(canvas, x, y, width, CELL, 0, 0, width, CELL);
    if (twoMarks) strip.drawImage(canvas, x, y + height - CELL, width, CELL, 0, CELL, width, CELL);
    const pixels = strip.getImageData(0, 0, width, twoMarks ? CELL * 2 : CELL).data;
    const number = readMark(pixels, width, 0);
    if (twoMarks && number >= 0 && readMark(pixels, width, CELL) !== number) { watch.torn++; return -1; }
    return number;
  };

  /* Finding the surface forces a layout, so it is searched again only after the last one has disappeared. */
  let found = null;
  const surfaceNow = () => {
    if (!found || !found.isConnected || widthOf(found) === 0) found = surface();
    return found;
  };

  const readWhole = () => {
    const { x, y, width, height } = watch;
    if (!whole || whole.canvas.width !== width || whole.canvas.height !== height) whole = canvasOf(width, height);
    whole.drawImage(surfaceNow(), x, y, width, height, 0, 0, width, height);
    return whole.getImageData(0, 0, width, height).data;
  };

  const check = (record) => {
    const began = performance.now();
    const expected = watch.expected[record.number];
    const bytes = readWhole();
    const sums = checksum(bytes);
    record.attempts++;
    if (expected && sums[0] === expected[0] && sums[1] === expected[1]) {
      record.exact = true;
      record.exactAt = now();
    } else if (record.attempts >= ATTEMPTS) {
      record.exact = false;
      keepWrong(record.number, bytes);
    }
    watch.checkMs.push(performance.now() - began);
  };

  /** Keeps a uniform random sample of the wrong frames (reservoir sampling), not only those at the start. */
  const keepWrong = (number, bytes) => {
    watch.wrongCount++;
    const index = watch.wrong.length < KEPT_WRONG ? watch.wrong.length : Math.floor(Math.random() * watch.wrongCount);
    if (index < KEPT_WRONG) watch.wrong[index] = { number, rgba: bytes.slice() };
  };

  /** Checks whether the last frame, which was wrong in motion, has become exact at rest. `exact` keeps its value. */
  const recheck = (record) => {
    const began = performance.now();
    if (began - watch.lastRecheck < REST_STEP_MS) return;
    const expected = watch.expected[record.number];
    const sums = checksum(readWhole());
    if (sums[0] === expected[0] && sums[1] === expected[1]) record.exactAt = now();
    watch.lastRecheck = performance.now();
  };

  const poll = () => {
    if (!watch) return;
    const began = performance.now();
    if (watch.lastPoll) watch.intervals.push(began - watch.lastPoll);
    watch.lastPoll = began;
    if (pending || watch.always) {
      const number = readNumber();
      const at = now();
      watch.costs.push(performance.now() - began);
      if (number >= 0 && number !== watch.number) {
        watch.number = number;
        const record = { number, at, exact: null, exactAt: null, attempts: 0 };
        watch.seen.push(record);
        if (pending) {
          watch.latencies.push(at - pending);
          pending = null;
        }
      }
      const last = watch.seen[watch.seen.length - 1];
      // A frame from before the pass has no checksum and is not judged.
      if (last && watch.expected?.[last.number]) {
        if (watch.checksAtRest && !watch.resting) { /* reading whole frames would slow the motion down */ }
        else if (last.exact === null) check(last);
        else if (watch.resting && last.exactAt === null) recheck(last);
      }
    }
    schedulePoll();
  };

  /* postTask's delay is not clamped to 4 ms when nested. A busy loop would take a CPU core from the subject. */
  const schedulePoll = () => {
    const delay = watch.stepMs;
    if (typeof scheduler !== "undefined" && scheduler.postTask) {
      scheduler.postTask(poll, { priority: "user-visible", delay });
    } else {
      setTimeout(poll, delay);
    }
  };

  for (const kind of ["pointerdown", "keydown"]) {
    window.addEventListener(kind, () => {
      const at = now();
      lightboxBenchmark.lastInputMs = at;
      if (watch && watch.timesInput) pending = at;
    }, { capture: true });
  }

  const quantiles = (values) => {
    const sorted = Float64Array.from(values).sort();
    const quantile = (fraction) =>
      sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] : null;
    return { count: sorted.length, p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) };
  };

  const lightboxBenchmark = {
    lastInputMs: null,
    /** Returns the surface's {width, height} in its own pixels and {left, top, shownWidth, shownHeight} on the page. */
    surface() {
      const canvas = surface();
      if (!canvas) return null;
      const box = canvas.getBoundingClientRect();
      return {
        width: widthOf(canvas), height: heightOf(canvas),
        left: box.left, top: box.top, shownWidth: box.width, shownHeight: box.height,
      };
    },
    /** Returns whether the surface, scaled to 64 × 64, has a pixel that is not black. */
    painted() {
      const canvas = surface();
      if (!canvas) return false;
      const small = canvasOf(64, 64);
      small.drawImage(canvas, 0, 0, 64, 64);
      return small.getImageData(0, 0, 64, 64).data.some((level, i) => i % 4 !== 3 && level > 8);
    },
    /** Starts observing. Options: {x, y, width, height, twoMarks, always, timesInput, checksAtRest, stepMs,
     * expected: {number: [a, b]} or null}. */
    start(options) {
      const wasIdle = !watch;
      watch = {
        ...options, number: -1, seen: [], latencies: [], intervals: [], costs: [], checkMs: [], wrong: [], wrongCount: 0,
        torn: 0, lastPoll: 0, resting: false, lastRecheck: 0,
      };
      pending = null;
      if (!options.always) watch.number = readNumber();
      if (wasIdle) schedulePoll();
    },
    /** Returns whether the last press has been answered. */
    answered() { return pending === null; },
    latencies() { return watch.latencies; },
    /** Declares that no more frames are drawn: the last frame is read until it is exact. */
    rest() { watch.resting = true; },
    last() { return watch && watch.seen.length ? watch.seen[watch.seen.length - 1] : null; },
    /** Stops observing and returns what was seen. */
    stop() {
      const ended = watch;
      watch = null;
      return {
        seen: ended.seen, latencies: ended.latencies, torn: ended.torn,
        intervals: quantiles(ended.intervals), costs: quantiles(ended.costs), checks: quantiles(ended.checkMs),
        wrong: ended.wrong.map(({ number, rgba }) => ({ number, rgba: base64(rgba) })),
      };
    },
  };
  Object.defineProperty(window, "lightboxBenchmark", { value: lightboxBenchmark });
})();
