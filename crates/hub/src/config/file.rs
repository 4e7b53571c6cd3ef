//! A configuration file: every key to its option, every mistake to its place.

use super::check::wrong_name;
use super::mistake::{Mistakes, Place};
use super::nearest::nearest;
use super::options::{Draft, NAMESPACE, NODE};
use super::value::{Value, quoted, start};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tidewire_hub_core::Namespace;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Largest file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Where each option was set.
pub(super) type Places = BTreeMap<String, Place>;

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, Mistakes> {
    let mut mistakes = Mistakes::default();
    let whole = Place::File {
        path: path.to_owned(),
        line: 0,
        column: 0,
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        mistakes.add(whole, format!("cannot be read: {error}"));
        return Err(mistakes);
    }
    if bytes.len() as u64 > MAX_FILE {
        mistakes.add(whole, "has more than 1 MiB, which no configuration needs");
        return Err(mistakes);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let before = String::from_utf8_lossy(before).into_owned();
        let place = Place::in_file(path, &before, valid);
        mistakes.add(place, "is not UTF-8 from here on: save the file as UTF-8");
        mistakes
    })
}

/// Reads a file's text into the draft.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) draft: &'a mut Draft,
    pub(super) places: &'a mut Places,
    pub(super) mistakes: &'a mut Mistakes,
}

type Entry<'t, 'a> = (&'t Spanned<DeString<'a>>, &'t Spanned<DeValue<'a>>);

impl Reader<'_> {
    pub(super) fn read(&mut self) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            let place = self.place(at);
            self.mistakes.add(place, syntax(error.message()));
        }
        for entry in table.get_ref() {
            self.top(entry);
        }
    }

    fn place(&self, byte: usize) -> Place {
        Place::in_file(self.path, self.text, byte)
    }

    fn top(&mut self, (key, value): Entry<'_, '_>) {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("namespaces", DeValue::Table(namespaces)) => {
                for entry in namespaces {
                    self.namespace(entry);
                }
            }
            (group @ ("limits" | "tls"), DeValue::Table(table)) => {
                for entry in table {
                    self.node(Some(group), entry);
                }
            }
            (group @ ("namespaces" | "limits" | "tls"), _) => {
                let place = self.place(start(value));
                let example = if group == "namespaces" { ".chat" } else { "" };
                self.mistakes.add(
                    place,
                    format!("{group} is a table: write [{group}{example}]"),
                );
            }
            _ => self.node(None, (key, value)),
        }
    }

    fn node(&mut self, group: Option<&str>, (key, value): Entry<'_, '_>) {
        let prefix = group.map(|group| format!("{group}.")).unwrap_or_default();
        let name = format!("{prefix}{}", key.get_ref());
        let Some(option) = NODE.iter().find(|option| option.name == name) else {
            let in_group = NODE.iter().filter_map(|option| {
                let rest = option.name.strip_prefix(prefix.as_str())?;
                (!rest.contains('.')).then_some(rest)
            });
            let tables = ["namespaces", "limits", "tls"];
            let tables = tables.into_iter().filter(|_| group.is_none());
            let mut names: Vec<&str> = in_group.chain(tables).collect();
            let elsewhere = NODE
                .iter()
                .map(|option| option.name)
                .find(|known| known.rsplit('.').next() == Some(key.get_ref()));
            let of_namespace = NAMESPACE.iter().any(|option| option.name == key.get_ref());
            let help = match (elsewhere, of_namespace) {
                (Some(known), _) if known.contains('.') => {
                    let table = known.split('.').next().unwrap_or_default();
                    format!("it belongs into [{table}]")
                }
                (Some(_), _) => "it belongs above every [table]".to_owned(),
                (None, true) => "it belongs into a namespace, as [namespaces.chat]".to_owned(),
                (None, false) => suggestion(key.get_ref(), &mut names),
            };
            return self.unknown(group.unwrap_or("the node"), key, &help);
        };
        let place = self.place(start(value));
        match (option.set)(self.draft, &Value::Typed(value.get_ref())) {
            Ok(()) => _ = self.places.insert(name, place),
            Err(reason) => self.mistakes.add(place, format!("{name}: {reason}")),
        }
    }

    fn namespace(&mut self, (key, value): Entry<'_, '_>) {
        let name = key.get_ref().as_ref();
        let key_place = self.place(start(key));
        if let Some(reason) = wrong_name(name) {
            return self.mistakes.add(key_place, reason);
        }
        let Some(table) = value.get_ref().as_table() else {
            let place = self.place(start(value));
            let reason = format!("namespaces.{name} is a table: write [namespaces.{name}]");
            return self.mistakes.add(place, reason);
        };
        self.places.insert(format!("namespaces.{name}"), key_place);
        let mut namespace = Namespace::default();
        for (key, value) in table {
            let found = NAMESPACE
                .iter()
                .find(|option| option.name == key.get_ref().as_ref());
            let Some(option) = found else {
                let mut names: Vec<&str> = NAMESPACE.iter().map(|option| option.name).collect();
                let help = suggestion(key.get_ref(), &mut names);
                self.unknown("a namespace", key, &help);
                continue;
            };
            let path = format!("namespaces.{name}.{}", option.name);
            let place = self.place(start(value));
            match (option.set)(&mut namespace, &Value::Typed(value.get_ref())) {
                Ok(()) => _ = self.places.insert(path, place),
                Err(reason) => self.mistakes.add(place, format!("{path}: {reason}")),
            }
        }
        let namespaces = &mut self.draft.config.settings.namespaces;
        namespaces.insert(name.into(), namespace);
    }

    fn unknown(&mut self, of: &str, key: &Spanned<DeString<'_>>, help: &str) {
        let place = self.place(start(key));
        let key = quoted(key.get_ref());
        self.mistakes
            .add(place, format!("{key} is no option of {of}: {help}"));
    }
}

fn suggestion(key: &str, names: &mut [&str]) -> String {
    names.sort_unstable();
    match nearest(key, names.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("there are {}", names.join(", ")),
    }
}

/// The parser's words, and what to do.
fn syntax(message: &str) -> String {
    if message.contains("duplicate key") {
        "this is written twice: keep one".to_owned()
    } else {
        format!("this is not TOML: {message}")
    }
}
