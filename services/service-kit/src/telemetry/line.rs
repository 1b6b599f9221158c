//! An event as a line of JSON.
//!
//! Every request ends in one, so this is on the path of all of them. The fields of a span are made into JSON once, when
//! it begins, and copied into its events; the library's own format parses them again for each. What is written is put
//! together in a string of its own: the library's writer takes a call through a table for each piece.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Room for the line of a request; a longer one grows.
const LINE_BYTES: usize = 512;
const FIELDS_BYTES: usize = 128;

/// `{"timestamp":…,"level":…,"message":…,…,"target":…,"span":{…}}`, the span being the innermost.
pub(super) struct Line;

/// `"name":value,"name":value`
pub(super) struct SpanFields;

/// Writes fields as members of an object.
struct Members<'a> {
    text: &'a mut String,
    is_first: bool,
}

/// Writes text as what stands between the quotation marks of a JSON string.
struct Escaped<'a>(&'a mut String);

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
        let mut line = String::with_capacity(LINE_BYTES);
        line.push_str(r#"{"timestamp":""#);
        SystemTime.format_time(&mut Writer::new(&mut line))?;
        for part in [r#"","level":""#, metadata.level().as_str(), "\""] {
            line.push_str(part);
        }
        event.record(&mut Members {
            text: &mut line,
            is_first: false,
        });
        for part in [r#","target":""#, metadata.target(), "\""] {
            line.push_str(part);
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
                line.push_str(part);
            }
        }
        line.push_str("}\n");

        writer.write_str(&line)
    }
}

impl<'a> FormatFields<'a> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'a>, fields: R) -> fmt::Result {
        let mut text = String::with_capacity(FIELDS_BYTES);
        fields.record(&mut Members {
            text: &mut text,
            is_first: true,
        });

        writer.write_str(&text)
    }

    fn add_fields(
        &self,
        current: &'a mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        let is_first = current.fields.is_empty();
        fields.record(&mut Members {
            text: &mut current.fields,
            is_first,
        });

        Ok(())
    }
}

impl Members<'_> {
    /// The name of a member, and what stands before its value.
    fn name(&mut self, field: &Field) {
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        for part in [comma, "\"", field.name(), "\":"] {
            self.text.push_str(part);
        }
    }

    fn plain(&mut self, field: &Field, value: impl Display) {
        self.name(field);
        let _ = write!(self.text, "{value}");
    }

    fn quoted(&mut self, field: &Field, value: impl FnOnce(&mut Escaped<'_>) -> fmt::Result) {
        self.name(field);
        self.text.push('"');
        // A string takes everything. Should a value fail to say what it is, what it has said stays.
        let _ = value(&mut Escaped(self.text));
        self.text.push('"');
    }
}

impl Visit for Members<'_> {
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
        self.quoted(field, |escaped| escaped.write_str(value));
    }

    /// With all that caused it: an error itself says only what failed.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.quoted(field, |escaped| {
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
        self.quoted(field, |escaped| write!(escaped, "{value:?}"));
    }
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // What has to be escaped is one byte long, so what is around it stays whole.
        while let Some(at) = rest
            .bytes()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        {
            self.0.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                byte @ (b'"' | b'\\') => self.0.extend(['\\', char::from(byte)]),
                b'\n' => self.0.push_str("\\n"),
                byte => write!(self.0, "\\u{byte:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);

        Ok(())
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
