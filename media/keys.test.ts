import { describe, expect, test } from 'vitest'
import {
  attemptKey,
  attemptPrefix,
  isPublicKey,
  isSafeKey,
  mediaUrl,
  ownerOf,
  sourceKey,
  videoPrefix,
} from '#media/keys.ts'

const VIDEO = '01890a5d-ac96-774b-bcce-b302099a8057'
const TOKEN = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const PREFIX = `videos/${VIDEO}/${TOKEN}`

test('keys follow one layout', () => {
  expect(sourceKey(VIDEO)).toBe(`sources/${VIDEO}`)
  expect(videoPrefix(VIDEO)).toBe(`videos/${VIDEO}`)
  expect(attemptPrefix(VIDEO, TOKEN)).toBe(PREFIX)
  expect(attemptKey(VIDEO, TOKEN, '720/index.m3u8')).toBe(`${PREFIX}/720/index.m3u8`)
})

test.each(['', '..', 'a/b', VIDEO.toUpperCase(), `${VIDEO}\n`, `${VIDEO}/..`])('%j is no id', id => {
  expect(() => sourceKey(id)).toThrow('uuid')
  expect(() => attemptPrefix(VIDEO, id)).toThrow('uuid')
})

describe('only published files may be served', () => {
  test.each([`${PREFIX}/master.m3u8`, `${PREFIX}/720/00001.m4s`, `${PREFIX}/poster.jpg`])('%s may', key => {
    expect(isPublicKey(key)).toBe(true)
  })

  test.each([
    ['the source', `sources/${VIDEO}`],
    ['a reserved prefix', `~123.abc/${PREFIX}/master.m3u8`],
    ['a folder', PREFIX],
    ['a closing slash', `${PREFIX}/`],
    ['an opening slash', `/${PREFIX}/a`],
    ['an empty segment', `${PREFIX}//a`],
    ['the folder above', `${PREFIX}/../a`],
    ['the same folder', `${PREFIX}/./a`],
    ['a hidden name', `${PREFIX}/.a`],
    ['an encoded dot', `${PREFIX}/%2e%2e/a`],
    ['a backslash', `${PREFIX}/..\\a`],
    ['NUL', `${PREFIX}/a\0.jpg`],
    ['a line break at the end', `${PREFIX}/a\n`],
    ['an id in capitals', `${PREFIX.toUpperCase()}/a`],
    ['an id that is none', `videos/x/${TOKEN}/a`],
    ['the identity file', 'storage-id'],
    ['a name without end', `${PREFIX}/${'a'.repeat(129)}`],
    ['too deep', `${PREFIX}/a/b/c/d/e/f`],
    ['nothing', ''],
  ])('%s may not', (_what, key) => {
    expect(isPublicKey(key)).toBe(false)
    expect(() => mediaUrl('', key)).toThrow()
  })
})

test.each(['', '/', '.', '..', 'a/../b', '/etc/passwd', 'a\0', 'C:\\a', '.trash/x'])(
  '%j is not safe',
  key => {
    expect(isSafeKey(key)).toBe(false)
  },
)

test('URLs stand on this site or on a CDN', () => {
  expect(mediaUrl('', `${PREFIX}/a.jpg`)).toBe(`/media/${PREFIX}/a.jpg`)
  expect(mediaUrl('https://cdn.example/x', `${PREFIX}/a.jpg`)).toBe(
    `https://cdn.example/x/media/${PREFIX}/a.jpg`,
  )
})

test('a name that leaves its attempt is refused', () => {
  expect(() => attemptKey(VIDEO, TOKEN, '../x')).toThrow('published file')
})

test.each([
  [`sources/${VIDEO}`, { videoId: VIDEO, token: null }],
  [`${PREFIX}/v720/00000.m4s`, { videoId: VIDEO, token: TOKEN }],
  [`sources/${VIDEO}/x`, null],
  [`sources/notes.txt`, null],
  [`videos/${VIDEO}/poster.jpg`, null],
])('%s belongs to %j', (key, owner) => {
  expect(ownerOf(key)).toEqual(owner)
})
