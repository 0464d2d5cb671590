// Unit and integration tests: pure code, real Postgres, real FFmpeg on tiny generated clips.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{app,cli,deploy,db,media,process,test,worker}/**/*.test.ts', '*.test.ts'],
    globalSetup: ['test/postgres.ts'],
    // On two cores one more than cores, as many wait for a clock; FFmpeg and Postgres need the cores too.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of what has to come some time; a second is too short where three tests share two cores.
    expect: { poll: { timeout: 20_000 } },
  },
})
