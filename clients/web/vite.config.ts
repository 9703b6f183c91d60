import { defineConfig } from "vitest/config";

// The page's Content-Security-Policy allows scripts, styles and workers from the own origin alone, so nothing may be inlined.
export default defineConfig({
  // Relative, so that the client works below any path prefix of a reverse proxy.
  base: "./",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome111", "firefox114", "safari16.4"],
  },
  worker: { format: "es" },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts", "src/**/*.test.ts"],
    // A busy host may need long; a test that waits for ever is still ended.
    testTimeout: 120_000,
    // A process for each file would take most of the time. What a test replaces is put back after it.
    isolate: false,
    unstubGlobals: true,
    restoreMocks: true,
  },
});
