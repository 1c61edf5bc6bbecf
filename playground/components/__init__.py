"""Parts of a tab: each returns the static skeleton that the page's modules (assets/web) fill with what the workers send."""
