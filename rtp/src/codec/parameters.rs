/// The value of one parameter of an `a=fmtp` list (RFC 8866 §6.15). Blanks around names and values do not count, and
/// names are compared without regard to case.
pub(super) fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|item| {
        let (key, value) = item.trim().split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then_some(value.trim())
    })
}

/// The number that a parameter has, `default` if it is not there; `None` if it is no number.
pub(super) fn number<T: std::str::FromStr>(fmtp: &str, name: &str, default: T) -> Option<T> {
    parameter(fmtp, name).map_or(Some(default), |value| value.parse().ok())
}

/// Whether a parameter is 1; any other value, or none, is no.
pub(super) fn flag(fmtp: &str, name: &str) -> bool {
    parameter(fmtp, name) == Some("1")
}

/// The list with another value for this parameter, in its place or at the end. What else is in the list stays as it was
/// written.
pub(super) fn with_parameter(fmtp: &str, name: &str, value: &str) -> String {
    let mut found = false;
    let mut items: Vec<String> = Vec::new();
    for item in fmtp.split(';').filter(|item| !item.trim().is_empty()) {
        let key = item.split_once('=').map_or(item, |(key, _)| key).trim();
        if key.eq_ignore_ascii_case(name) {
            if !found {
                items.push(format!("{key}={value}"));
            }
            found = true;
        } else {
            items.push(item.trim().to_owned());
        }
    }
    if !found {
        items.push(format!("{name}={value}"));
    }
    items.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_replaced_whatever_stands_around_them() {
        let list = "minptime=10; UseInbandFec = 1;;x";
        assert_eq!(parameter(list, "useinbandfec"), Some("1"));
        assert_eq!(parameter(list, "x"), None);
        assert_eq!(number(list, "minptime", 3_u32), Some(10));
        assert_eq!(number(list, "maxptime", 3_u32), Some(3));
        assert_eq!(number::<u32>("a=b", "a", 3), None);
        assert!(flag(list, "useinbandfec") && !flag(list, "minptime"));
        assert_eq!(
            with_parameter(list, "minptime", "20"),
            "minptime=20;UseInbandFec = 1;x"
        );
        assert_eq!(with_parameter("", "a", "1"), "a=1");
        assert_eq!(with_parameter("a=1;b=2;a=3", "a", "4"), "a=4;b=2");
    }
}
