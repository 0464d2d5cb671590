// The frame around every page: language, metadata, header, skip link.
import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { feedLink, siteDescription, siteName, siteUrl } from '#app/site.ts'
import { SiteHeader } from '#app/site-header.tsx'
import './globals.css'

// Each page's scripts have a number of their own (app/page-policy.ts).
export const dynamic = 'force-dynamic'

export function generateMetadata(): Metadata {
  return {
    metadataBase: new URL(siteUrl()),
    title: { default: siteName, template: `%s · ${siteName}` },
    description: siteDescription,
    applicationName: siteName,
    alternates: { types: feedLink },
    openGraph: { siteName, type: 'website', title: siteName, description: siteDescription },
  }
}

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#faf9f6' },
    { media: '(prefers-color-scheme: dark)', color: '#131312' },
  ],
}

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <a className="skip-link button" href="#content">
          Skip to content
        </a>
        <SiteHeader />
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </body>
    </html>
  )
}
