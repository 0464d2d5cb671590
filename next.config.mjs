// Next.js: how the web process is built and served.

// `next dev` and `next build` write to different folders, so that a test's production build never
// fights with a development server in the same clone.
const isDevelopment = process.env.NODE_ENV === 'development'

/** @type {import('next').NextConfig} */
export default {
  distDir: isDevelopment ? '.next/dev' : '.next',
  poweredByHeader: false,
  reactStrictMode: true,
  // `pnpm test` type-checks everything, once; a newcomer's first build need not do it again.
  typescript: { ignoreBuildErrors: true },
  // These use native modules, dynamic requires or their own SQL files: load them from node_modules.
  serverExternalPackages: ['pg', 'pg-boss', 'kysely', 'pino', 'pino-pretty', '@tus/server', '@tus/file-store'],
  // Media is compressed already, event streams must not be buffered; playlists are gzipped by
  // whatever stands in front.
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
