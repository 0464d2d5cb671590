// Who sends a request, as far as counting goes: an address, or of IPv6 the network that one subscriber has.
import { BlockList, isIP, isIPv6 } from 'node:net'
import { requests } from '#app/requests.ts'

// From where a proxy of our own speaks: this machine, or a private network with nothing else on it.
const NEAR = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  NEAR.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
] as const)
  NEAR.addSubnet(network, bits, 'ipv6')

/** Of the request that is being answered. @param headers its own */
export function clientOfRequest(headers: Headers, hasProxy: boolean): string {
  const peer = requests.getStore()?.incoming?.socket.remoteAddress ?? ''
  return clientOf(peer, headers.get('X-Forwarded-For'), hasProxy)
}

/**
 * @param peer the other end of the connection
 * @param forwarded X-Forwarded-For, whose last address the nearest proxy wrote. It counts only where there
 *   is a proxy and the connection comes from near: anybody else may write there what they like
 */
export function clientOf(peer: string, forwarded: string | null, hasProxy: boolean): string {
  const address = plain(peer)
  const told = plain(forwarded?.split(',').at(-1)?.trim() ?? '')
  return networkOf(hasProxy && isNear(address) && isIP(told) > 0 ? told : address)
}

/** Without a port, which some proxies add; IPv4 within IPv6, as Node says it of a socket that takes both, alone. */
function plain(address: string): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1')
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(bare) ?? []
  if (!high || !low) return bare.replace(/^::ffff:(?=\d+\.)/i, '')
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

function isNear(address: string): boolean {
  return isIP(address) > 0 && NEAR.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [before = '', after] = address.split('::').map(half => half.replace(/%.*$/, ''))
  const [head, tail] = [before, after ?? ''].map(half => half.split(':').filter(Boolean))
  const missing = after === undefined ? 0 : 8 - (head?.length ?? 0) - (tail?.length ?? 0)
  const groups = [...(head ?? []), ...Array(Math.max(0, missing)).fill('0'), ...(tail ?? [])]
  return `${groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
