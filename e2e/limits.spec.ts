// What strangers may do: so many uploads, and no text of theirs that a page takes for its own.
import { makeClip } from '#test/clips.ts'
import { createUpload, idOf, settled, startStack, upload } from './stack.ts'
import { expect, test } from './test.ts'

const VIDEO = { filename: 'clip.mp4', filetype: 'video/mp4' }

test('an address may begin so many uploads, and is told when it may go on', async () => {
  const env = { RATE_LIMIT: '3', PUBLIC_URL: 'https://videos.example' }
  const limited = await startStack({ env, workers: 0 })
  try {
    const from = (address: string) =>
      createUpload(limited, 10, VIDEO, { 'X-Forwarded-For': `1.1.1.1, ${address}` })
    for (let count = 0; count < 3; count++) expect((await from('198.51.100.1')).response.status).toBe(201)
    const { response } = await from('198.51.100.1')
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(1000)
    expect(await response.json()).toMatchObject({
      code: 'rate_limited',
      detail: expect.stringMatching(/^More than 3 /),
    })
    expect((await from('198.51.100.2')).response.status, 'somebody else').toBe(201)
    const { rows } = { rows: await limited.query('select id from videos') }
    expect(rows).toHaveLength(4)
  } finally {
    await limited.stop()
  }
})

test('a title is text, whatever is in it', async ({ stack, page, clips }) => {
  const title = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script> \u202egnp.\u05d0\u05d1`
  const id = await upload(stack, await makeClip(clips, 'titled.mp4', { seconds: 1 }))
  await settled(stack, id)
  const edited = await fetch(`${stack.url}/api/videos/${id}`, {
    method: 'PATCH',
    body: JSON.stringify({ title }),
  })
  expect(edited.status).toBe(200)
  const shown = title.replace('\u202e', '').trim()
  for (const address of [`${stack.url}/v/${id}`, stack.url]) {
    await page.goto(address)
    await expect(page.locator('bdi', { hasText: 'onerror' }).first()).toHaveText(shown)
    expect(await page.title()).not.toBe('owned')
    expect(await page.locator('img[src="x"]').count()).toBe(0)
  }
  const html = await (await fetch(`${stack.url}/v/${id}`)).text()
  expect(html).not.toContain('<script>document.title')
  expect(html).not.toContain('<img src=x')
})

test('no page runs a script that is not its own, nor in another page’s frame', async ({ stack, page }) => {
  for (const path of ['/', '/upload', '/nowhere', '/v/nothing']) {
    const response = await page.goto(stack.url + path)
    const policy = response?.headers()['content-security-policy'] ?? ''
    expect(policy).toMatch(/script-src 'self' 'nonce-[0-9a-f-]{36}'; /)
    expect(policy).toContain("frame-ancestors 'none'")
    const [nonce] = /nonce-[0-9a-f-]+/.exec(policy) ?? []
    const again = await fetch(stack.url + path)
    expect(again.headers.get('Content-Security-Policy')).not.toContain(nonce ?? '')
    // Come to life, with all of its scripts.
    await expect(page.locator('main')).toBeVisible()
  }
  expect(
    await page.evaluate(async () => {
      const forbidden = new Promise(resolve =>
        document.addEventListener(
          'securitypolicyviolation',
          event => {
            event.stopImmediatePropagation()
            resolve(event.effectiveDirective)
          },
          { capture: true, once: true },
        ),
      )
      const script = document.createElement('script')
      script.textContent = "document.title = 'owned'"
      document.body.append(script)
      return [await forbidden, document.title === 'owned']
    }),
  ).toEqual(['script-src-elem', false])
})

test('every answer says what it is, and that it is nothing else', async ({ stack }) => {
  const { location } = await createUpload(stack, 10, VIDEO)
  for (const address of [
    '/',
    '/api/videos',
    '/api/nothing',
    '/media/nothing',
    '/manifest.webmanifest',
    `/api/uploads/${idOf(location)}`,
  ]) {
    const { headers } = await fetch(stack.url + address)
    expect(headers.get('X-Content-Type-Options'), address).toBe('nosniff')
    expect(headers.get('Access-Control-Allow-Origin'), address).toBe(
      address.startsWith('/media') ? '*' : null,
    )
  }
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})
