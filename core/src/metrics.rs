//! promfetcher's metrics of fetches per app.
