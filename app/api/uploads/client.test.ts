import { expect, test } from 'vitest'
import { clientOf } from './client.ts'

test.each([
  ['203.0.113.7', null, false, '203.0.113.7'],
  ['::ffff:203.0.113.7', null, false, '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', null, false, '2001:db8:1:2::/64'],
  ['2001:0db8::1', null, false, '2001:db8:0:0::/64'],
  ['::1', null, false, '0:0:0:0::/64'],
  ['', null, false, ''],
])('%s is %s (%s) as %s', (peer, forwarded, hasProxy, client) => {
  expect(clientOf(peer, forwarded, hasProxy)).toBe(client)
})

test.each([
  ['a proxy on this machine says who asks', '127.0.0.1', '198.51.100.9', true, '198.51.100.9'],
  ['of several, the nearest one', '::ffff:10.0.0.2', '1.1.1.1, 198.51.100.9', true, '198.51.100.9'],
  ['one that tells of IPv6', '127.0.0.1', '2001:db8:1:2::9', true, '2001:db8:1:2::/64'],
  ['without a proxy anybody may say anything', '127.0.0.1', '198.51.100.9', false, '127.0.0.1'],
  ['who comes past the proxy is believed nothing', '203.0.113.7', '198.51.100.9', true, '203.0.113.7'],
  ['with a port', '127.0.0.1', '198.51.100.9:5123', true, '198.51.100.9'],
  ['with the port of IPv6', '127.0.0.1', '[2001:db8:1:2::9]:443', true, '2001:db8:1:2::/64'],
  ['IPv4 in the hexadecimal of IPv6', '127.0.0.1', '::ffff:c633:6409', true, '198.51.100.9'],
  ['what is no address is none', '127.0.0.1', 'unknown', true, '127.0.0.1'],
])('%s', (_, peer, forwarded, hasProxy, client) => {
  expect(clientOf(peer, forwarded, hasProxy)).toBe(client)
})
