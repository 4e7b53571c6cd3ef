//! The sample has every option, explained, with its default.

use super::*;

/// The paragraph of comments above an option of the sample, and its line.
fn documented(table: &str, option: &str) -> (String, String) {
    let mut comments = String::new();
    let mut current = "";
    for line in SAMPLE.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            current = header;
        } else if current == table && bare.split(" =").next() == Some(option) {
            return (comments, line.to_owned());
        }
        match line.strip_prefix('#') {
            Some(comment) => comments.push_str(&format!("{}\n", comment.trim())),
            None => comments.clear(),
        }
    }
    panic!("{table}.{option} is not in the sample");
}

fn told_default(comments: &str) -> &str {
    let at = comments
        .find("Default: ")
        .unwrap_or_else(|| panic!("no default in {comments}"));
    let rest = comments[at + "Default: ".len()..].trim_end();
    rest.split(". Here")
        .next()
        .unwrap()
        .split(" when")
        .next()
        .unwrap()
}

#[test]
fn the_sample_has_every_option_with_its_default() {
    let sample = load(SAMPLE).unwrap();
    assert_eq!(sample.notes, [""; 0]);
    let defaults = Config::default();
    for option in NODE {
        let (table, name) = option.name.split_once('.').unwrap_or(("", option.name));
        let (comments, line) = documented(table, name);
        assert!(comments.len() > 40, "{} is hardly explained", option.name);
        if let Some(mut default) = (option.show)(&defaults) {
            if option.name == "shards" {
                default = "0".to_owned();
            }
            assert_eq!(told_default(&comments), default, "{}", option.name);
            // Written down, it would not follow the address.
            let depends = option.name == "max_connections_per_address";
            assert!(
                line == format!("{name} = {default}") || depends && line.starts_with("# "),
                "{line}"
            );
        }
    }
    for option in NAMESPACE {
        let (comments, line) = documented("namespaces.chat", option.name);
        let default = (option.show)(&Namespace::default()).unwrap();
        assert_eq!(told_default(&comments), default, "{}", option.name);
        let here = comments
            .split("Here: ")
            .nth(1)
            .map_or(default.as_str(), str::trim);
        assert_eq!(line, format!("{} = {here}", option.name));
    }
    // And its namespaces are those of a development server.
    let development = Config::development().settings.namespaces;
    assert_eq!(sample.config.settings.namespaces, development);
}
