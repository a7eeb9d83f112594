import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:alone`: the first needs Debian's chromium, the second a machine to itself.
    exclude: ["test/browser/**", "test/floods/**", "**/node_modules/**"],
    globalSetup: "test/global-setup.ts",
    // Two noisy cores: a generous ceiling that only a hang reaches. No test asserts wall-clock speed.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: "forks",
    // Most of a suite's time is waiting for child processes.
    maxWorkers: 3,
  },
});
