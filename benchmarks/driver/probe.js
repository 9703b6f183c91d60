/* The generic probe: runs in the page of any subject and reads its biggest visible canvas or video, the same for all.
 *
 * It reads with drawImage into small canvases of its own, so that it works on canvases with any context, also those
 * handed to a worker. It never touches the subject's objects. The twin of content/mark.py; times are wall-clock ms.
 */
(() => {
  "use strict";
  if (window.top !== window || window.lightboxBenchmark) return;

  const CELL = 8, NUMBER_BITS = 12, CHECK_BITS = 4, CELLS = NUMBER_BITS + CHECK_BITS;
  const WEIGHT_STEP = 0x9e3779b2 | 0;
  /* A wrong slice is read again as often, so that a picture still on its way is told apart from a wrong one. */
  const ATTEMPTS = 4;
  const KEPT_WRONG = 6;
  /* At rest a subject may refine for long: looked at so rarely that reading does not hold up its page, ms. */
  const REST_STEP_MS = 20;

  const now = () => performance.timeOrigin + performance.now();

  const canvasOf = (width, height) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    return canvas.getContext("2d", { willReadFrequently: true });
  };

  /** Pixels of a canvas or of a video's present frame. */
  const widthOf = (element) => element.videoWidth ?? element.width;
  const heightOf = (element) => element.videoHeight ?? element.height;

  /** The biggest canvas or video with pixels that is on the page and not hidden, or null. Of equals the last, which lies on top. */
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

  /** The number in a row of cells, or -1 where there is none. */
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

  /** What is watched now: {x, y, width, height, twoMarks, expected} and what was seen. */
  let watch = null;
  let pending = null;

  /** Number in the surface, -1 where there is none or where top and bottom disagree (a picture half drawn). */
  const look = () => {
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

  /* Finding the surface costs layout; it is looked up anew only when the last one has gone. */
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

  /** A fair draw of KEPT_WRONG from all that are wrong: the first ones would speak of the start of the pass alone. */
  const keepWrong = (number, bytes) => {
    watch.wrongCount++;
    const place = watch.wrong.length < KEPT_WRONG ? watch.wrong.length : Math.floor(Math.random() * watch.wrongCount);
    if (place < KEPT_WRONG) watch.wrong[place] = { number, rgba: bytes.slice() };
  };

  /** The last picture, found wrong in its time: whether it has become exact since. The verdict on the motion stays. */
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
    if (watch.lastPoll) watch.gaps.push(began - watch.lastPoll);
    watch.lastPoll = began;
    if (pending || watch.always) {
      const number = look();
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
      // What stood there before the pass began is in no list, and not judged.
      if (last && watch.expected?.[last.number]) {
        if (watch.checksAtRest && !watch.resting) { /* reading whole frames would slow what moves */ }
        else if (last.exact === null) check(last);
        else if (watch.resting && last.exactAt === null) recheck(last);
      }
    }
    again();
  };

  /* A delay that is not clamped to 4 ms when nested, and does not spin: a spinning loop would take a core from the subject. */
  const again = () => {
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
    const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null);
    return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  };

  const lightboxBenchmark = {
    lastInputMs: null,
    /** Size and place of the surface: {width, height} of its pixels, {left, top, shownWidth, shownHeight} on the page. */
    surface() {
      const canvas = surface();
      if (!canvas) return null;
      const box = canvas.getBoundingClientRect();
      return {
        width: widthOf(canvas), height: heightOf(canvas),
        left: box.left, top: box.top, shownWidth: box.width, shownHeight: box.height,
      };
    },
    /** Whether the surface has any pixel that is not black: the whole of it drawn into 64 × 64. */
    painted() {
      const canvas = surface();
      if (!canvas) return false;
      const small = canvasOf(64, 64);
      small.drawImage(canvas, 0, 0, 64, 64);
      return small.getImageData(0, 0, 64, 64).data.some((level, i) => i % 4 !== 3 && level > 8);
    },
    /** Starts watching: {x, y, width, height, twoMarks, always, timesInput, checksAtRest, stepMs, expected: {number: [a, b]} or null}. */
    start(options) {
      const wasIdle = !watch;
      watch = {
        ...options, number: -1, seen: [], latencies: [], gaps: [], costs: [], checkMs: [], wrong: [], wrongCount: 0, torn: 0, lastPoll: 0,
        resting: false, lastRecheck: 0,
      };
      pending = null;
      if (!options.always) watch.number = look();
      if (wasIdle) again();
    },
    /** Whether the last press has been answered. */
    answered() { return pending === null; },
    latencies() { return watch.latencies; },
    /** Nothing more is drawn: from now on the last picture is read until it is exact. */
    rest() { watch.resting = true; },
    last() { return watch && watch.seen.length ? watch.seen[watch.seen.length - 1] : null; },
    /** Ends the watch and hands over what was seen. */
    stop() {
      const ended = watch;
      watch = null;
      return {
        seen: ended.seen, latencies: ended.latencies, torn: ended.torn,
        gaps: quantiles(ended.gaps), costs: quantiles(ended.costs), checks: quantiles(ended.checkMs),
        wrong: ended.wrong.map(({ number, rgba }) => ({ number, rgba: base64(rgba) })),
      };
    },
  };
  Object.defineProperty(window, "lightboxBenchmark", { value: lightboxBenchmark });
})();
