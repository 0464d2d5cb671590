// The web app manifest, so that pgreel can be put on a home screen.
import type { MetadataRoute } from 'next'

export default function manifest(): MetadataRoute.Manifest {
  return {
    name: 'pgreel',
    short_name: 'pgreel',
    description: 'Upload a short video, watch it in the feed seconds later.',
    start_url: '/',
    display: 'standalone',
    background_color: '#131312',
    theme_color: '#131312',
    icons: [{ src: '/icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' }],
  }
}
