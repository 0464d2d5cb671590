// A ladder as the worker makes it is clean; broken in one place, the rule that was broken says so.
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { Attempt } from '#db/attempts.ts'
import { makeClip } from '#test/clips.ts'
import { makeFolder, silent } from '#test/worker.ts'
import { ladderCommand } from '#worker/ffmpeg/args.ts'
import { installLauncher } from '#worker/ffmpeg/launcher.ts'
import { planLadder } from '#worker/ffmpeg/plan.ts'
import { probe } from '#worker/ffmpeg/probe.ts'
import { runFfmpeg } from '#worker/ffmpeg/run.ts'
import { measureLadder } from '#worker/ffmpeg/verify.ts'
import { writePublication } from '#worker/publication.ts'
import { lintHls, RULES, type RuleSet } from './hls-linter.ts'

const { signal } = new AbortController()
let scratch: string
beforeAll(async () => {
  const folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
  const source = await makeClip(folder, 'clip.mp4', { seconds: 5 })
  const plan = planLadder(await probe(source, signal), { ladder: [240, 144], maxDurationSeconds: 60 })
  scratch = path.join(folder, 'scratch')
  for (const { name } of [...plan.rungs, ...plan.sounds])
    await mkdir(path.join(scratch, name), { recursive: true })
  await runFfmpeg(ladderCommand(source, scratch, plan), { signal, log: silent })
  const streams = await measureLadder(scratch, { plan, pictureSeconds: null }, signal)
  const attempt: Attempt = { token: crypto.randomUUID(), videoId: crypto.randomUUID(), kind: 'ladder' }
  await writePublication({ attempt, log: silent, signal, scratch, plan, leftOut: [], streams })
})

/** The ladder with one file of it changed. */
async function lint(change: { [uri: string]: (bytes: Buffer) => Buffer | string }, set?: RuleSet) {
  const fetch = async (uri: string) => {
    const bytes = await readFile(path.join(scratch, uri))
    const changed = change[uri]?.(bytes) ?? bytes
    return Buffer.from(changed)
  }
  return lintHls(fetch, 'master.m3u8', set)
}

const text = (from: string | RegExp, to: string) => (bytes: Buffer) => {
  const changed = bytes.toString().replaceAll(from, to)
  if (changed === bytes.toString()) throw new Error(`nothing to change: ${from}`)
  return changed
}
const scaled = (name: string, factor: number) => (bytes: Buffer) =>
  bytes
    .toString()
    .replaceAll(new RegExp(`(?<=[:,]${name}=)\\d+`, 'g'), rate => String(Math.round(Number(rate) * factor)))
/** Ticks to the decode time (tfdt, version 1) of a segment. */
const later = (ticks: number) => (bytes: Buffer) => {
  const at = bytes.indexOf('tfdt') + 8
  bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at) + BigInt(ticks), at)
  return bytes
}
/** The first slice says that it is not an IDR. */
const notIdr = (bytes: Buffer) => {
  let nal = bytes.indexOf('mdat') + 4
  while ((bytes.readUInt8(nal + 4) & 0x1f) !== 5) nal += 4 + bytes.readUInt32BE(nal)
  bytes.writeUInt8(0x41, nal + 4)
  return bytes
}
const profile = (bytes: Buffer) => {
  bytes.writeUInt8(110, bytes.indexOf('avcC') + 5)
  return bytes
}
/** mdhd, version 0: the timescale is the third number. */
const threeTimesAsFast = (bytes: Buffer) => {
  const at = bytes.indexOf('mdhd') + 16
  bytes.writeUInt32BE(bytes.readUInt32BE(at) * 3, at)
  return bytes
}

const BROKEN: [rule: string, change: Parameters<typeof lint>[0]][] = [
  ['RFC 3.3', { 'v240/00001.m4s': bytes => bytes.subarray(0, 200) }],
  ['RFC 4.3.1.1', { 'v240/index.m3u8': text('#EXTM3U', '#EXTM3') }],
  ['RFC 4.3.2.5', { 'v240/index.m3u8': text('VERSION:6', 'VERSION:5') }],
  ['RFC 4.3.3.1', { 'v240/index.m3u8': text(/EXTINF:2\.0*,/g, 'EXTINF:2.6,') }],
  ['RFC 4.3.3.4', { 'audio/index.m3u8': text('#EXT-X-ENDLIST', '') }],
  ['RFC 4.3.4.2', { 'master.m3u8': text('FRAME-RATE=30.000', 'FRAME-RATE=29.970') }],
  ['Apple 1.3', { 'v240/init.mp4': profile }],
  ['Apple 1.19', { 'v240/init.mp4': threeTimesAsFast }],
  ['Apple 1.26', { 'master.m3u8': scaled('AVERAGE-BANDWIDTH', 1.11) }],
  ['Apple 1.26', { 'master.m3u8': scaled('AVERAGE-BANDWIDTH', 0.89) }],
  ['Apple 1.27, 9.13', { 'master.m3u8': scaled('BANDWIDTH', 1.11) }],
  ['Apple 1.27, 9.13', { 'master.m3u8': scaled('BANDWIDTH', 0.89) }],
  ['Apple 7.3', { 'v240/00001.m4s': later(1) }],
  ['Apple 7.4', { 'v240/00001.m4s': notIdr }],
  ['Apple 7.7', { 'v240/index.m3u8': text('TARGETDURATION:2', 'TARGETDURATION:1') }],
  ['Apple 8.1', { 'v240/index.m3u8': text('EXTINF:2.000000', 'EXTINF:2.020000') }],
  ['Apple 8.2', { 'audio/index.m3u8': text('TARGETDURATION:2', 'TARGETDURATION:3') }],
  ['Apple 8.6, 8.8', { 'v240/index.m3u8': text('TYPE:VOD', 'TYPE:EVENT') }],
  ['Apple 8.9', { 'master.m3u8': text('GROUP-ID="audio"', 'GROUP-ID="sound"') }],
  ['Apple 8.10', { 'master.m3u8': text('LANGUAGE="und",', '') }],
  ['Apple 8.20', { 'v240/index.m3u8': text(/#EXT-X-MAP.*\n/g, '') }],
  [
    'Apple 8.22',
    Object.fromEntries(['00000', '00001', '00002'].map(name => [`v240/${name}.m4s`, later(512)])),
  ],
  [
    'Apple 8.22',
    Object.fromEntries(['00000', '00001', '00002'].map(name => [`audio/${name}.m4s`, later(4800)])),
  ],
  ['Apple 9.1', { 'master.m3u8': text('mp4a.40.2', 'mp4a.40.5') }],
  ['Apple 9.2', { 'master.m3u8': text('RESOLUTION=320x240', 'RESOLUTION=240x320') }],
  ['Apple 9.11, 9.12', { 'master.m3u8': text('#EXT-X-INDEPENDENT-SEGMENTS\n', '') }],
  ['Apple 9.14', { 'master.m3u8': text(/AVERAGE-BANDWIDTH=\d+,/g, '') }],
  ['Apple 9.15', { 'master.m3u8': text(/,FRAME-RATE=[\d.]+/g, '') }],
  ['Apple 9.21', { 'master.m3u8': scaled('BANDWIDTH', 1.5) }],
  ['pgreel', { 'v240/index.m3u8': text('00001.m4s', '/media/00001.m4s') }],
]

const numberOf = (rule: string) => rule.split(': ')[0]

test('a ladder as it is published breaks no rule', async () => {
  expect(await lint({})).toEqual([])
})

test.each(BROKEN)('%s fires', async (rule, change) => {
  const findings = await lint(change)
  expect(findings.map(finding => numberOf(finding.rule))).toContain(rule)
  for (const { where, message } of findings) expect(where && message).not.toBe('')
})

test('every rule has been seen firing', () => {
  expect([...new Set(BROKEN.map(([rule]) => rule))].sort()).toEqual(RULES.map(numberOf).sort())
})

test('a first rung that grows is not asked for what only a ladder has', async () => {
  const growing = (bytes: Buffer) =>
    bytes.toString().replace('TYPE:VOD', 'TYPE:EVENT').replace('#EXT-X-ENDLIST\n', '')
  const master = (bytes: Buffer) =>
    bytes.toString().replace(/#EXT-X-STREAM-INF.*RESOLUTION=192x144.*\n.*\n|#EXT-X-MEDIA.*low.*\n/g, '')
  const change = {
    'master.m3u8': (bytes: Buffer) => scaled('BANDWIDTH', 2)(Buffer.from(master(bytes))),
    'v240/index.m3u8': growing,
    'audio/index.m3u8': growing,
  }
  expect(await lint(change, 'first rung')).toEqual([])
  expect(await lint(change)).not.toEqual([])
})

test('a first rung is asked for IDRs, true durations and CODECS as well', async () => {
  const change = {
    'master.m3u8': text('avc1.', 'avc3.'),
    'v240/00001.m4s': notIdr,
    'audio/index.m3u8': text(/EXTINF:2/g, 'EXTINF:1'),
  }
  const rules = (await lint(change, 'first rung')).map(finding => numberOf(finding.rule))
  expect(rules).toEqual(expect.arrayContaining(['Apple 7.4', 'Apple 8.1', 'Apple 9.1']))
})
