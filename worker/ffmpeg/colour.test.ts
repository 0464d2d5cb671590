import { describe, expect, test } from 'vitest'
import { VideoError } from '../errors.ts'
import { needsTable, readColour } from './colour.ts'

const HD = { width: 1920, height: 1080, pix_fmt: 'yuv420p' }
const UNKNOWN = { color_transfer: 'unknown', color_primaries: 'unknown', color_space: 'unknown' }
const HDR = { color_primaries: 'bt2020', color_space: 'bt2020nc', color_range: 'tv' }

describe('colours', () => {
  test.each([
    ['nothing, and large', HD, 'sdr bt709 bt709 tv'],
    ['nothing in so many words', { ...HD, ...UNKNOWN }, 'sdr bt709 bt709 tv'],
    ['nothing, and small', { ...HD, width: 854, height: 480 }, 'sdr bt709 smpte170m tv'],
    ['nothing, and is wide and low', { ...HD, width: 1280, height: 544 }, 'sdr bt709 bt709 tv'],
    ['nothing, and is RGB', { ...HD, pix_fmt: 'gbrp10le' }, 'sdr bt709 gbr pc'],
    [
      'BT.601 of 625 lines',
      { ...HD, color_space: 'bt470bg', color_primaries: 'bt470bg' },
      'sdr bt709 bt470bg tv',
    ],
    [
      'BT.601 of 525 lines',
      { ...HD, color_space: 'smpte170m', color_primaries: 'smpte170m' },
      'sdr smpte170m smpte170m tv',
    ],
    ['all of its range', { ...HD, color_range: 'pc' }, 'sdr bt709 bt709 pc'],
    ['all of its range, by its format', { ...HD, pix_fmt: 'yuvj420p' }, 'sdr bt709 bt709 pc'],
    ['Display P3', { ...HD, color_primaries: 'smpte432' }, 'sdr smpte432 bt709 tv'],
    ['HDR10', { ...HD, ...HDR, color_transfer: 'smpte2084' }, 'pq bt2020 bt2020nc tv'],
    ['HLG', { ...HD, ...HDR, color_transfer: 'arib-std-b67' }, 'hlg bt2020 bt2020nc tv'],
    ['HLG and no more', { ...HD, color_transfer: 'arib-std-b67' }, 'hlg bt2020 bt2020nc tv'],
    ['BT.2020 for SDR', { ...HD, ...HDR, color_transfer: 'bt2020-10' }, 'sdr bt2020 bt2020nc tv'],
    ['what nobody knows', { ...HD, color_space: 'ictcp', color_primaries: 'film' }, 'sdr bt709 bt709 tv'],
  ])('that say %s', (_, said, expected) => {
    const { transfer, primaries, matrix, range } = readColour(said)
    expect([transfer, primaries, matrix, range].join(' ')).toBe(expected)
  })

  test('of BT.709 and its kin need no table, all others do', () => {
    const plain = readColour(HD)
    expect(needsTable(plain)).toBe(false)
    expect(needsTable({ ...plain, matrix: 'bt470bg', range: 'pc' })).toBe(false)
    expect(needsTable({ ...plain, transfer: 'pq' })).toBe(true)
    expect(needsTable({ ...plain, primaries: 'bt2020' })).toBe(true)
  })
})

describe('Dolby Vision', () => {
  const dolby = (profile: string, base: string) => () =>
    readColour({ ...HD, ...HDR, dv_profile: profile, dv_bl_signal_compatibility_id: base })

  test.each([
    ['5', '0'],
    ['10', '0'],
  ])('of profile %s with base %s is refused in plain words', (profile, base) => {
    expect(dolby(profile, base)).toThrow(VideoError)
    expect(dolby(profile, base)).toThrow(expect.objectContaining({ code: 'dolby_vision' }))
    expect(dolby(profile, base)).toThrow(/Export it as HDR10, HLG or SDR/)
  })

  test.each([
    ['7', '6'],
    ['7', '0'],
    ['8', '1'],
    ['8', '2'],
    ['8', '4'],
  ])('of profile %s with base %s is what its base says', (profile, base) => {
    expect(dolby(profile, base)()).toMatchObject({ primaries: 'bt2020' })
  })
})
