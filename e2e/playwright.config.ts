// End-to-end tests: a real Chromium against the production build, each on processes of its own.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'playwright/test'

export default defineConfig({
  testDir: '.',
  globalSetup: './postgres.ts',
  outputDir: '../test-results',
  // A file each. One more than cores: as many wait, for a heartbeat or a clock, as encode.
  workers: Math.min(3, availableParallelism() + 1),
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    viewport: { width: 390, height: 844 },
    // A trace of each test takes a tenth of the browsers' time: where one is needed, `--trace retain-on-failure`.
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--autoplay-policy=no-user-gesture-required',
      ],
    },
  },
})
