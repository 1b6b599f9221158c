//! A first conversation with a platform: two people, a picture, a post, and everything that has to be refused.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::{Answer, Hit, NewPost, Page, Post, PublicApi, Session, Tokens, Upload};
use crate::wait::{Look, until};

/// Events take a moment: what follows a post or its deletion is there by then.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(10);

const PASSWORD: &str = "correct horse battery staple";

/// A picture of one grey pixel.
const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg==";
/// What every PNG file begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// One exchange, for whoever follows the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub method: String,
    pub path: String,
    pub status: u16,
    /// What the answer showed, in one line.
    pub shown: String,
}

/// Who takes part.
struct People {
    author: Session,
    /// The author's first session is refreshed, the second one logged out.
    second: Session,
    other: Session,
}

/// A post with a picture, and the word that finds it.
struct Published {
    post: Post,
    upload: Upload,
    word: String,
}

struct Talk<'a, N> {
    api: &'a PublicApi,
    narrate: N,
}

/// Holds the whole conversation and stops at the first surprise. Its people are new every time.
pub async fn conversation(api: &PublicApi, narrate: impl FnMut(Step)) -> Result<()> {
    let mut talk = Talk { api, narrate };

    let people = talk.meet().await?;
    let published = talk.publish(&people.author).await?;
    talk.look(&people.author, &published).await?;
    talk.delete(&people, &published).await?;
    talk.see_it_gone(&people.author, &published).await?;
    let tokens = talk.refresh(&people.author.tokens).await?;
    talk.log_out(&people.second.tokens).await?;
    talk.be_refused(&tokens.access_token).await
}

impl<N: FnMut(Step)> Talk<'_, N> {
    /// Two people register; the first one logs in once more.
    async fn meet(&mut self) -> Result<People> {
        let run = jiff::Timestamp::now().as_millisecond();
        let (author_name, other_name) = (format!("ada{run}"), format!("bob{run}"));
        let author_email = format!("{author_name}@example.com");
        let other_email = format!("{other_name}@example.com");

        let author = self.register(&author_name, &author_email).await?;
        let other = self.register(&other_name, &other_email).await?;
        let answer = self.api.login(&author_email, PASSWORD).await?.expect(200)?;
        let second: Session = answer.json()?;
        ensure!(
            second.user_id == author.user_id,
            "a login answered with another person's id"
        );
        self.show(&answer, "Ada logs in on a second device");

        Ok(People {
            author,
            second,
            other,
        })
    }

    async fn register(&mut self, name: &str, email: &str) -> Result<Session> {
        let answer = self.api.register(name, email, PASSWORD).await?;
        let answer = answer.expect(201)?;
        self.show(&answer, &format!("{name} has an account"));

        answer.json()
    }

    async fn publish(&mut self, author: &Session) -> Result<Published> {
        let token = &author.tokens.access_token;
        let answer = self.api.upload(token, "pixel.png", &picture()?).await?;
        let answer = answer.expect(201)?;
        let upload: Upload = answer.json()?;
        self.show(&answer, &format!("a picture is kept at {}", upload.url));

        let word = format!("lighthouse{}", jiff::Timestamp::now().as_millisecond());
        let content = format!("Look at this {word}");
        let answer = self
            .api
            .create_post(token, &content, &[&upload.media_id])
            .await?
            .expect(201)?;
        let post = answer.json::<NewPost>()?.new_post;
        ensure!(
            post.user == author.user_id && post.content == content,
            "the new post is not the one that was sent: {post:?}"
        );
        ensure!(
            post.media_ids == [upload.media_id.clone()],
            "the new post does not have its picture: {post:?}"
        );
        self.show(&answer, &format!("post {} has the picture", post.id));

        Ok(Published { post, upload, word })
    }

    /// The post is in the list, its picture can be fetched, search finds it.
    async fn look(&mut self, reader: &Session, published: &Published) -> Result<()> {
        let Published { post, upload, word } = published;
        let token = &reader.tokens.access_token;
        let answer = self.api.posts(token).await?.expect(200)?;
        let page: Page = answer.json()?;
        ensure!(
            page.posts.contains(post),
            "the list does not have the new post among its {} of {}",
            page.posts.len(),
            page.total_posts
        );
        self.show(&answer, "the list has the post");
        let answer = self.api.post(token, &post.id).await?.expect(200)?;
        self.show(&answer, "the post can be read by itself");
        self.fetch(&upload.url).await?;

        let (answer, hit) = until("search to find the new post", FOLLOWS_WITHIN, async || {
            let answer = self.api.search(token, word).await?.expect(200)?;
            let hits: Vec<Hit> = answer.json()?;
            Ok(match hits.into_iter().find(|hit| hit.post_id == post.id) {
                Some(hit) => Look::There((answer, hit)),
                None => Look::NotYet("no hit".to_owned()),
            })
        })
        .await?;
        ensure!(
            hit.content == post.content && hit.user_id == post.user,
            "search found another post than there is: {hit:?}"
        );
        self.show(&answer, "search finds the post by a word of it");

        Ok(())
    }

    async fn fetch(&mut self, url: &str) -> Result<()> {
        let picture = picture()?;
        let whole = self.api.file(url).await?.expect(200)?;
        ensure!(
            whole.body == picture,
            "GET {url} answered with other bytes than were uploaded"
        );
        let kind = whole.headers.get("content-type");
        ensure!(
            kind.is_some_and(|kind| kind == "image/png"),
            "GET {url} answered with content type {kind:?} instead of image/png"
        );
        self.show(&whole, &format!("the picture, {} bytes", picture.len()));

        let part = self.api.part_of_file(url, "bytes=0-7").await?.expect(206)?;
        let range = part.headers.get("content-range");
        let wanted = format!("bytes 0-7/{}", picture.len());
        ensure!(
            part.body == SIGNATURE && range.is_some_and(|range| *range == *wanted),
            "GET {url} answered bytes 0-7 with {range:?}: {:?}",
            part.body
        );
        self.show(&part, "its first 8 bytes, by range");

        let same = self.api.file_unless(url, whole.tag()?).await?.expect(304)?;
        self.show(&same, "who has it already is sent nothing");

        Ok(())
    }

    async fn delete(&mut self, people: &People, published: &Published) -> Result<()> {
        let id = &published.post.id;
        let other = &people.other.tokens.access_token;
        let answer = self.api.delete_post(other, id).await?;
        let problem = answer.expect_problem(403)?;
        self.show(&answer, &format!("Bob may not: {}", problem.detail));

        let author = &people.author.tokens.access_token;
        let answer = self.api.delete_post(author, id).await?.expect(200)?;
        self.show(&answer, "Ada deletes her post");

        Ok(())
    }

    /// Post, picture and search copy.
    async fn see_it_gone(&mut self, reader: &Session, published: &Published) -> Result<()> {
        let Published { post, upload, word } = published;
        let token = &reader.tokens.access_token;
        let answer = self.api.post(token, &post.id).await?;
        answer.expect_problem(404)?;
        self.show(&answer, "the post is gone");

        let answer = until("the picture to go", FOLLOWS_WITHIN, async || {
            let answer = self.api.file(&upload.url).await?;
            Ok(match answer.status.as_u16() {
                404 => Look::There(answer),
                status => Look::NotYet(format!("GET {} answered {status}", upload.url)),
            })
        })
        .await?;
        answer.expect_problem(404)?;
        self.show(&answer, "its picture is gone");

        let answer = until("search to forget the post", FOLLOWS_WITHIN, async || {
            let answer = self.api.search(token, word).await?.expect(200)?;
            let hits: Vec<Hit> = answer.json()?;
            Ok(match hits.len() {
                0 => Look::There(answer),
                count => Look::NotYet(format!("{count} hits")),
            })
        })
        .await?;
        self.show(&answer, "search has forgotten it");

        Ok(())
    }

    /// New tokens for old ones. Two tabs that ask at once get the same; whoever comes with a token older than that has
    /// copied it, and the session ends everywhere.
    async fn refresh(&mut self, old: &Tokens) -> Result<Tokens> {
        let answer = self.api.refresh(&old.refresh_token).await?.expect(200)?;
        let new: Tokens = answer.json()?;
        ensure!(
            new.access_token != old.access_token && new.refresh_token != old.refresh_token,
            "a refresh answered with the tokens it was given"
        );
        self.show(&answer, "new tokens");
        self.api.posts(&new.access_token).await?.expect(200)?;

        let answer = self.api.refresh(&old.refresh_token).await?.expect(200)?;
        ensure!(
            answer.json::<Tokens>()?.refresh_token == new.refresh_token,
            "a refresh that was asked for twice led to two sessions"
        );
        self.show(&answer, "asked again, the same refresh token");

        let answer = self.api.refresh(&new.refresh_token).await?.expect(200)?;
        let newer: Tokens = answer.json()?;
        self.show(&answer, "the next tokens");
        self.refuse_refresh(&old.refresh_token, "the first refresh token was copied")
            .await?;
        self.refuse_refresh(&newer.refresh_token, "so the session is over")
            .await?;
        self.see_the_session_end(&newer.access_token).await?;

        Ok(newer)
    }

    /// Access tokens of a session that ended are known everywhere within a moment.
    async fn see_the_session_end(&mut self, access_token: &str) -> Result<()> {
        let answer = until("the session to end", FOLLOWS_WITHIN, async || {
            let answer = self.api.posts(access_token).await?;
            Ok(match answer.status.as_u16() {
                401 => Look::There(answer),
                status => Look::NotYet(format!("its access token is answered {status}")),
            })
        })
        .await?;
        answer.expect_problem(401)?;
        self.show(&answer, "and its access token worth nothing");

        Ok(())
    }

    async fn log_out(&mut self, tokens: &Tokens) -> Result<()> {
        let token = &tokens.refresh_token;
        let answer = self.api.log_out(token).await?.expect(200)?;
        self.show(&answer, "Ada logs the second device out");

        self.refuse_refresh(token, "its refresh token is worth nothing")
            .await?;
        self.see_the_session_end(&tokens.access_token).await
    }

    async fn refuse_refresh(&mut self, token: &str, shown: &str) -> Result<()> {
        let answer = self.api.refresh(token).await?;
        answer.expect_problem(401)?;
        self.show(&answer, shown);

        Ok(())
    }

    /// Whoever shows no token, or one that was tampered with, is nobody.
    async fn be_refused(&mut self, token: &str) -> Result<()> {
        let answer = self.api.posts_as(None).await?;
        answer.expect_problem(401)?;
        self.show(&answer, "no token");

        let answer = self.api.posts_as(Some(&forged(token)?)).await?;
        answer.expect_problem(401)?;
        self.show(&answer, "a forged token");

        Ok(())
    }

    fn show(&mut self, answer: &Answer, shown: &str) {
        (self.narrate)(Step {
            method: answer.method.to_string(),
            path: answer.path.clone(),
            status: answer.status.as_u16(),
            shown: shown.to_owned(),
        });
    }
}

/// The token with another signature. The first character is changed: not every bit of the last one counts.
pub fn forged(token: &str) -> Result<String> {
    let (signed, signature) = token.rsplit_once('.').context("a token has a signature")?;
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let rest = signature.get(1..).context("a signature is not empty")?;

    Ok(format!("{signed}.{other}{rest}"))
}

/// A small file that media takes.
pub(crate) fn picture() -> Result<Vec<u8>> {
    STANDARD.decode(PICTURE).context("the picture is base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_token_differs_in_its_signature_alone() {
        assert_eq!(forged("head.claims.AbC").unwrap(), "head.claims.BbC");
        assert_eq!(forged("head.claims.xbC").unwrap(), "head.claims.AbC");
    }

    #[test]
    fn the_picture_is_a_png() {
        assert!(picture().unwrap().starts_with(SIGNATURE));
    }
}
