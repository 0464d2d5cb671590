// Unit and integration tests: pure code, real Postgres, real FFmpeg on tiny generated clips.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{app,cli,deploy,db,media,process,test,worker}/**/*.test.ts', '*.test.ts'],
    globalSetup: ['test/postgres.ts'],
    // Two at a time: FFmpeg and Postgres need the cores too.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
