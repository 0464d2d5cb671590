'use client'
// What a person sees when a page could not be made, most often because the database does not answer.
import { Message } from '#app/message.tsx'

export default function PageError({ retry }: { error: unknown; retry: () => void }) {
  return (
    <Message
      title="This page could not be loaded"
      actions={
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      }
    >
      <p role="alert">The server had a problem. Nothing you did is lost; it may work again in a moment.</p>
    </Message>
  )
}
