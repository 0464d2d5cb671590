// The upload page. The server's part is only to say what this installation takes.
import type { Metadata } from 'next'
import { server } from '#app/server.ts'
import { UploadScreen } from '#app/upload/upload-screen.tsx'

export const dynamic = 'force-dynamic'
export const metadata: Metadata = { title: 'Upload' }

export default async function UploadPage() {
  const { config } = await server()
  return <UploadScreen maxBytes={config.maxUploadBytes} />
}
