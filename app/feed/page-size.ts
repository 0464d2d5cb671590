// How many videos a page of the feed holds; the server's first page and the API's others agree. In a
// file of its own because a server component cannot import a value from a client one.
export const feedPageSize = 6
