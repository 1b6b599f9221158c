//! The rows of the table, by what they are about, and what they are called.

pub mod events;
pub mod files;
pub mod login;
pub mod posts;
pub mod proxies;

pub const NGINX: &str = "proxy: nginx";
pub const GATEWAY_BARE: &str = "proxy: gateway, no token, no log";
pub const GATEWAY_FULL: &str = "proxy: gateway, token + limit + log";
pub const EXPRESS: &str = "proxy: express-http-proxy";

pub const LIST_CACHED: &str = "list, page 1, cached";
pub const LIST: &str = "list, page 1, not cached";
pub const LIST_DEEP: &str = "list, page 10,000 by cursor, not cached";
pub const ONE_POST: &str = "one post";
pub const SEARCH_RARE: &str = "search, a rare word";
pub const SEARCH_MIDDLE: &str = "search, a word in 3 % of the posts";
pub const SEARCH_COMMON: &str = "search, a word in half of the posts";
pub const CREATE: &str = "create";
pub const CREATE_MANY_PAGES: &str = "create, 10,000 pages cached";
pub const MIXED: &str = "95 % list, 5 % create";

pub const ARGON2: &str = "Argon2id alone, on every core";
pub const LOGIN: &str = "login";
pub const LIST_QUIET: &str = "list, 200 requests/s";
pub const LIST_BESIDE_LOGINS: &str = "list, 200 requests/s, while logins saturate";

pub const SEARCHABLE: &str = "create to searchable, 200 creates/s";
pub const SEARCH_QUIET: &str = "search, 100 requests/s";
pub const SEARCH_BESIDE_REINDEX: &str = "search, 100 requests/s, during a reindex";

pub const LIST_BESIDE_ACCOUNT: &str = "list, 100 requests/s, while an account is deleted";

pub const ANNOUNCED: &str = "announced by two processes of post";
pub const DRAINED: &str = "drained by one process of search after an outage";
pub const DRAINED_BY_MEDIA: &str = "drained by one process of media after an outage";
pub const BARE_PUBLISHED: &str = "bare loop: published and confirmed";
pub const BARE_FOLLOWED: &str = "bare loop: followed by one who does nothing";
pub const REINDEXED: &str = "announced again by a reindex";
pub const ACCOUNT_DELETED: &str = "posts of one account deleted, everywhere";
