//! An event as a line of JSON.
//!
//! Every request ends in one, so this is on the path of all of them. The fields of a span are made into JSON once, when
//! it begins, and copied into its events; the library's own format parses them again for each.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp":…,"level":…,"message":…,…,"target":…,"span":{…}}`, the span being the innermost.
pub(super) struct Line;

/// `"name":value,"name":value`
pub(super) struct SpanFields;

/// Writes fields as members of an object.
struct Members<'a, W> {
    writer: &'a mut W,
    is_first: bool,
    result: fmt::Result,
}

/// Writes text as what stands between the quotation marks of a JSON string.
struct Escaped<'a, W>(&'a mut W);

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut writer)?;
        for part in [r#"","level":""#, metadata.level().as_str(), "\""] {
            writer.write_str(part)?;
        }

        let mut members = Members::new(&mut writer, false);
        event.record(&mut members);
        members.result?;

        for part in [r#","target":""#, metadata.target(), "\""] {
            writer.write_str(part)?;
        }
        if let Some(span) = context.lookup_current() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            let fields = fields.map_or("", |fields| fields.as_str());
            let comma = if fields.is_empty() { "" } else { "," };
            for part in [
                r#","span":{"#,
                fields,
                comma,
                r#""name":""#,
                span.name(),
                "\"}",
            ] {
                writer.write_str(part)?;
            }
        }

        writer.write_str("}\n")
    }
}

impl<'a> FormatFields<'a> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'a>, fields: R) -> fmt::Result {
        let mut members = Members::new(&mut writer, true);
        fields.record(&mut members);

        members.result
    }

    fn add_fields(
        &self,
        current: &'a mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        let is_first = current.fields.is_empty();
        let mut members = Members::new(&mut current.fields, is_first);
        fields.record(&mut members);

        members.result
    }
}

impl<'a, W: Write> Members<'a, W> {
    fn new(writer: &'a mut W, is_first: bool) -> Self {
        Self {
            writer,
            is_first,
            result: Ok(()),
        }
    }

    fn member(&mut self, field: &Field, write: impl FnOnce(&mut W) -> fmt::Result) {
        if self.result.is_err() {
            return;
        }
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        self.result = [comma, "\"", field.name(), "\":"]
            .into_iter()
            .try_for_each(|part| self.writer.write_str(part))
            .and_then(|()| write(self.writer));
    }

    fn plain(&mut self, field: &Field, value: impl Display) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn text(&mut self, field: &Field, write: impl FnOnce(&mut Escaped<'_, W>) -> fmt::Result) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            write(&mut Escaped(writer))?;
            writer.write_char('"')
        });
    }
}

impl<W: Write> Visit for Members<'_, W> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.plain(field, "null");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |escaped| escaped.write_str(value));
    }

    /// With all that caused it: an error itself says only what failed.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, |escaped| {
            write!(escaped, "{value}")?;
            let mut cause = value.source();
            while let Some(error) = cause {
                write!(escaped, ": {error}")?;
                cause = error.source();
            }
            Ok(())
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, |escaped| write!(escaped, "{value:?}"));
    }
}

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // What has to be escaped is one byte long, so what is around it stays whole.
        while let Some(at) = rest
            .bytes()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        {
            self.0.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                byte @ (b'"' | b'\\') => write!(self.0, "\\{}", char::from(byte))?,
                b'\n' => self.0.write_str("\\n")?,
                byte => write!(self.0, "\\u{byte:04x}")?,
            }
            rest = &rest[at + 1..];
        }

        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::{info, info_span, subscriber::with_default};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to {0}")]
    struct Failed(&'static str, #[source] Option<Box<Failed>>);

    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `work` logs.
    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let printed = Printed::default();
        let writer = printed.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(SpanFields)
            .event_format(Line)
            .with_writer(move || writer.clone())
            .finish();
        with_default(subscriber, work);
        let bytes = printed.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");

        text.lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    #[test]
    fn an_event_says_all_it_knows() {
        let failed = Failed("list", Some(Box::new(Failed("connect", None))));
        let lines = logged(|| {
            let error = &failed as &dyn Error;
            info!(
                status = 200,
                took = 1.5,
                ratio = f64::NAN,
                is_good = true,
                error,
                "answered {}",
                7
            );
        });

        assert!(
            lines[0]["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
        for (name, expected) in [
            ("level", json!("INFO")),
            ("target", json!(module_path!())),
            ("message", json!("answered 7")),
            ("status", json!(200)),
            ("took", json!(1.5)),
            ("ratio", json!(null)),
            ("is_good", json!(true)),
            ("error", json!("failed to list: failed to connect")),
        ] {
            assert_eq!(lines[0][name], expected, "{name}");
        }
        assert_eq!(lines[0].get("span"), None);
    }

    #[test]
    fn an_event_names_the_innermost_span() {
        let lines = logged(|| {
            let _outer = info_span!("outer").entered();
            info!("one");
            let inner = info_span!("request", requestId = "r-1", late = tracing::field::Empty);
            inner.record("late", 2);
            inner.in_scope(|| info!("two"));
        });

        assert_eq!(lines[0]["span"], json!({ "name": "outer" }));
        let expected = json!({ "name": "request", "requestId": "r-1", "late": 2 });
        assert_eq!(lines[1]["span"], expected);
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        let text = "a \"quoted\" \\ line\nand\r\u{1b}[31m é☀ another";
        let lines = logged(|| info!(text, debug = ?text, "{text}"));

        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["text"], text);
        assert_eq!(lines[0]["message"], text);
        assert_eq!(lines[0]["debug"], format!("{text:?}"));
    }
}
