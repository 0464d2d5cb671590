// Next.js: how the web process is built and served.

/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // `pnpm test` type-checks everything, once; a newcomer's first build need not do it again.
  typescript: { ignoreBuildErrors: true },
  // These use native modules, dynamic requires or their own SQL files: load them from node_modules.
  serverExternalPackages: [
    'pg',
    'pg-boss',
    'kysely',
    'pino',
    'pino-pretty',
    '@tus/server',
    '@tus/file-store',
  ],
  // Nobody's pictures are decoded in the web process.
  images: { unoptimized: true },
  // Media is compressed already, event streams must not be buffered; of playlists it does not know
  // that they are text: app/media/compressed.ts.
  compress: true,
  async headers() {
    return [
      {
        source: '/:path*',
        headers: [
          { key: 'X-Content-Type-Options', value: 'nosniff' },
          { key: 'Referrer-Policy', value: 'strict-origin-when-cross-origin' },
        ],
      },
    ]
  },
}
