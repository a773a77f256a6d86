use proptest::prelude::*;

use super::*;
use crate::domain::ids::{Millis, Timestamp};

fn word(text: &str) -> Expr {
    Expr::Text(Pattern::Word(text.into()))
}

fn field(field: Field, value: &str) -> Expr {
    Expr::Field(field, Pattern::Word(value.into()))
}

#[test]
fn what_people_type_is_understood() {
    let warn = Expr::Level(Cmp::AtLeast, LogLevel::Warn);
    for (text, expr) in [
        ("", Expr::All),
        ("  ", Expr::All),
        ("*", Expr::All),
        ("fsync", word("fsync")),
        ("fsync took", Expr::And(vec![word("fsync"), word("took")])),
        ("fsync AND took", Expr::And(vec![word("fsync"), word("took")])),
        ("level>=WARN node:zk1", Expr::And(vec![warn.clone(), field(Field::Node, "zk1")])),
        ("level>=warn", warn.clone()),
        ("level=error", Expr::Level(Cmp::Equal, LogLevel::Error)),
        ("-took", Expr::Not(Box::new(word("took")))),
        ("NOT took", Expr::Not(Box::new(word("took")))),
        ("a OR b c", Expr::Or(vec![word("a"), Expr::And(vec![word("b"), word("c")])])),
        ("(a OR b) c", Expr::And(vec![Expr::Or(vec![word("a"), word("b")]), word("c")])),
        ("node:(zk1 OR zk2)", Expr::Or(vec![field(Field::Node, "zk1"), field(Field::Node, "zk2")])),
        ("\"read timed out\"", Expr::Text(Pattern::Phrase("read timed out".into()))),
        (r#""say \"x\"""#, Expr::Text(Pattern::Phrase("say \"x\"".into()))),
        ("/took \\d+ ms/", Expr::Text(Pattern::Regex("took \\d+ ms".into()))),
        ("/a/b/", Expr::Text(Pattern::Regex("a\\/b".into()))),
        ("message:fsync", word("fsync")),
        ("bytes>=64KiB", Expr::Number(NumberField::Bytes, Cmp::AtLeast, 65_536)),
        ("duration_ms<2s", Expr::Number(NumberField::DurationMs, Cmp::Below, 2_000)),
        ("since:15m", Expr::Time(Side::Since, Moment::Ago(Millis(900_000)))),
        ("until:2026-11-23T14:01:58Z", Expr::Time(Side::Until, Moment::At(Timestamp(1_795_442_518_000)))),
        ("fields.attempt:7", field(Field::Other("attempt".into()), "7")),
        ("thread:SyncThread*", field(Field::Thread, "SyncThread*")),
        ("127.0.0.1:2181", word("127.0.0.1:2181")),
        ("SyncThread:2", word("SyncThread:2")),
        ("http://a", word("http://a")),
        ("or", word("or")),
        ("x=y", word("x=y")),
        ("Null*Exception", word("Null*Exception")),
    ] {
        assert_eq!(parse(text), Ok(expr), "{text}");
    }
}

#[test]
fn sizes_and_spans_are_powers_of_two_and_of_ten() {
    let units = ["", "B", "ms", "s", "K", "KiB", "M", "MiB", "G", "GiB", "T"];
    let read = units.map(|unit| number(&format!("3{unit}")));
    let (k, m, g) = (Some(3 << 10), Some(3 << 20), Some(3 << 30));
    assert_eq!(read, [Some(3), Some(3), Some(3), Some(3_000), k, k, m, m, g, g, None]);
}

#[test]
fn a_query_is_so_long_and_so_deep_and_no_more() {
    assert!(parse(&"a".repeat(QUERY_LEN_MAX)).is_ok());
    assert_eq!(parse(&"a".repeat(QUERY_LEN_MAX + 1)).unwrap_err().column, QUERY_LEN_MAX + 1);
    let nested = |levels: usize| parse(&format!("{}a{}", "(".repeat(levels), ")".repeat(levels)));
    assert_eq!(nested(DEPTH_MAX - 1), Ok(word("a")));
    assert!(nested(DEPTH_MAX).unwrap_err().what.contains("at most 32 levels"));
}

#[test]
fn errors_point_at_the_column_and_say_what_was_expected() {
    for (text, column, part) in [
        ("level>=WRN", 8, "expected a level (trace, debug, info, warn or error) after level>=, found WRN"),
        ("fsync level:", 13, "expected a level"),
        ("levle:warn", 1, "unknown field levle; expected level:value"),
        ("colour:red", 1, "one of level, message"),
        ("a (b", 5, "expected ) for the ( in column 3"),
        ("a b)", 4, "this ) closes nothing"),
        ("a \"b", 3, "expected a closing \""),
        ("a /b", 3, "expected a closing /"),
        ("/demo/files", 1, "quote a path"),
        ("//", 1, "between the slashes"),
        ("a /(/", 3, "expected a regex, but unclosed group"),
        ("OR a", 1, "before OR"),
        ("a OR", 5, "found the end"),
        ("a AND )", 7, "found )"),
        ("-)", 1, "expected a letter"),
        ("-", 1, "expected a letter"),
        ("é", 1, "expected a letter of a-z, a digit or _ in é; /é/"),
        ("node>=zk1", 1, "node has no order"),
        ("since:soon", 7, "expected a time"),
        ("bytes>many", 7, "expected a whole number"),
        ("bytes>99999999999999999999", 7, "expected a whole number"),
        ("node:(zk1 zk2)", 11, "expected OR or )"),
        ("node:()", 7, "expected a value"),
        ("/\\d{900}{900}/", 1, "when compiled"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.what.contains(part), "{text}: {error}");
    }
    let deep = "(".repeat(2000);
    assert!(parse(&deep).expect_err("deep").what.contains("32 levels"));
    assert!(parse(&"a".repeat(QUERY_LEN_MAX + 1)).expect_err("long").what.contains("at most"));
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let word = "[A-Za-z0-9_*.@#$é:+-]{1,12}".prop_filter("reads as a word", |text| parse(text) == Ok(word(text)));
    let phrase = "[A-Za-z0-9_][ -~é]{0,12}";
    let regex = "[a-z0-9 .*\\\\/\\[\\]()|d+-]{1,10}".prop_filter_map("valid", |text| {
        let Ok(Expr::Text(Pattern::Regex(regex))) = parse(&format!("/{text}/")) else { return None };
        Some(Pattern::Regex(regex))
    });
    prop_oneof![word.prop_map(Pattern::Word), phrase.prop_map(Pattern::Phrase), regex]
}

fn a_field() -> impl Strategy<Value = Field> {
    let known: Vec<Field> = FIELDS.iter().map(|(_, field)| field.clone()).collect();
    prop_oneof![proptest::sample::select(known), "[a-z_][a-z0-9_.-]{0,5}".prop_map(Field::Other)]
}

fn leaf() -> impl Strategy<Value = Expr> {
    let cmp = || proptest::sample::select(Cmp::ALL.to_vec());
    let moment = prop_oneof![
        (0_u64..1 << 40).prop_map(|ms| Moment::Ago(Millis(ms))),
        (0_u64..86_400_000).prop_map(|ms| Moment::OfDay(Millis(ms))),
        (0_u64..1 << 42).prop_map(|ms| Moment::At(Timestamp(ms))),
    ];
    prop_oneof![
        Just(Expr::All),
        pattern().prop_map(Expr::Text),
        (a_field(), pattern()).prop_map(|(field, pattern)| Expr::Field(field, pattern)),
        (cmp(), proptest::sample::select(LogLevel::ALL.to_vec())).prop_map(|(cmp, level)| Expr::Level(cmp, level)),
        (proptest::sample::select(NumberField::ALL.to_vec()), cmp(), any::<u64>())
            .prop_map(|(field, cmp, value)| Expr::Number(field, cmp, value)),
        (prop_oneof![Just(Side::Since), Just(Side::Until)], moment).prop_map(|(side, at)| Expr::Time(side, at)),
    ]
}

fn tree() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::and),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::or),
            inner.prop_map(|expr| Expr::Not(Box::new(expr))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back_as_the_same_tree(expr in tree()) {
        let text = expr.to_string();
        prop_assert_eq!(parse(&text), Ok(expr), "{}", text);
    }

    #[test]
    fn whatever_is_typed_is_read_or_its_mistake_has_a_place(text in "\\PC{0,80}") {
        match parse(&text) {
            Ok(expr) => prop_assert_eq!(parse(&expr.to_string()), Ok(expr), "{}", text),
            Err(error) => {
                let columns = 1..=text.chars().count() + 1;
                prop_assert!(columns.contains(&error.column) && !error.what.is_empty(), "{}", text);
            }
        }
    }

    #[test]
    fn what_looks_like_a_query_is_read_back_as_the_same_tree(
        text in "((level|node|since|bytes|fields\\.x|x)?[:=<>-]{0,2}|OR|AND|NOT|[\"/()*\\\\ -]|[a-zA-Z0-9é]{1,3}){0,12}"
    ) {
        if let Ok(expr) = parse(&text) {
            prop_assert_eq!(parse(&expr.to_string()), Ok(expr), "{}", text);
        }
    }
}
