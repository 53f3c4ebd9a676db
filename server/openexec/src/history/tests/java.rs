//! Methods of Java through commits as people make them: what a person who reads the history
//! would say became of a method.

use super::*;
use PointerState::{Edited, Exact, Moved, Renamed, Stale, Suspect};

/// The files that a commit writes; those without a text it removes.
type Commit = &'static [(&'static str, Option<&'static str>)];

/// What became of a method of [`CART`], which the first commit brings.
struct Told {
    name: &'static str,
    /// The commits after it.
    then: &'static [Commit],
    /// The file, the qualified name, the number among overloads.
    method: (&'static str, &'static str, usize),
    /// What became of it: the file, the qualified name and the first line now.
    became: (PointerState, Option<(&'static str, &'static str, u32)>),
}

const CART: &str = "package shop;

class Cart {
  private final List<Item> items = new ArrayList<>();

  Cart(Currency currency) {
    this.currency = currency;
    this.rounding = Rounding.of(currency);
    this.listeners = new CopyOnWriteArrayList<>();
  }

  /** Adds up. */
  long total(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }

  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }

  void add(Item item, int count) {
    for (int i = 0; i < count; i++) {
      add(item);
    }
  }

  static class Line {
    String text(Locale locale) {
      StringBuilder out = new StringBuilder(name);
      out.append(' ').append(NumberFormat.getInstance(locale).format(price));
      return out.toString();
    }
  }
}
";

const CASES: &[Told] = &[
    Told {
        name: "a new name",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  Cart(Currency currency) {
    this.currency = currency;
  }

  /** Adds up. */
  long amountDue(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.total", 0),
        became: (Renamed, Some(("Cart.java", "Cart.amountDue", 8))),
    },
    Told {
        name: "another parameter, another result, another modifier and an annotation",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  /** Adds up, and rounds. */
  @Override
  @Deprecated(since = \"3\")
  public final Money total(final Customer customer, Clock clock) throws Expired {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.total", 0),
        became: (Edited, Some(("Cart.java", "Cart.total", 4))),
    },
    Told {
        name: "a file that moved, a class that was renamed and a body that was edited, in one commit",
        then: &[&[
            ("Cart.java", None),
            (
                "shop/Basket.java",
                Some(
                    "package shop;

class Basket {
  private final List<Item> items = new ArrayList<>();

  Basket(Currency currency) {
    this.currency = currency;
    this.rounding = Rounding.of(currency);
    this.listeners = new CopyOnWriteArrayList<>();
  }

  /** Adds up. */
  long total(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count() + item.shipping();
    }
    return sum - customer.rebate(sum);
  }

  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
                ),
            ),
        ]],
        method: ("Cart.java", "Cart.total", 0),
        became: (Moved, Some(("shop/Basket.java", "Basket.total", 12))),
    },
    Told {
        name: "the constructor of a class that was renamed",
        then: &[&[
            ("Cart.java", None),
            (
                "Basket.java",
                Some(
                    "package shop;

class Basket {
  private final List<Item> items = new ArrayList<>();

  Basket(Currency currency, Clock clock) {
    this.currency = currency;
    this.rounding = Rounding.of(currency);
    this.clock = clock;
    this.listeners = new CopyOnWriteArrayList<>();
  }

  long total(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                ),
            ),
        ]],
        method: ("Cart.java", "Cart.Cart", 0),
        became: (Renamed, Some(("Basket.java", "Basket.Basket", 6))),
    },
    Told {
        name: "one of two overloads that both change",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  void add(Item item, long count, Reason reason) {
    for (long i = 0; i < count; i++) {
      add(item, reason);
    }
  }

  void add(Item item, Reason reason) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item, reason));
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.add", 1),
        became: (Edited, Some(("Cart.java", "Cart.add", 4))),
    },
    Told {
        name: "an overload that goes while its twin stays",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.add", 1),
        became: (Stale, None),
    },
    Told {
        name: "an overload that comes before it",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  void add(Order order) {
    order.items().forEach(this::add);
  }

  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
    changed();
  }

  void add(Item item, int count) {
    for (int i = 0; i < count; i++) {
      add(item);
    }
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.add", 0),
        became: (Edited, Some(("Cart.java", "Cart.add", 8))),
    },
    Told {
        name: "a method of a class that was extracted into a file of its own",
        then: &[&[
            (
                "Cart.java",
                Some(
                    "package shop;

class Cart {
  private final Totals totals = new Totals();

  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
                ),
            ),
            (
                "Totals.java",
                Some(
                    "package shop;

final class Totals {
  long total(List<Item> items, Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                ),
            ),
        ]],
        method: ("Cart.java", "Cart.total", 0),
        became: (Moved, Some(("Totals.java", "Totals.total", 4))),
    },
    Told {
        name: "a method of an inner class that became a file of its own, under another name",
        then: &[&[
            (
                "Cart.java",
                Some(
                    "package shop;

class Cart {
  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
                ),
            ),
            (
                "CartLine.java",
                Some(
                    "package shop;

class CartLine {
  String text(Locale locale) {
    StringBuilder out = new StringBuilder(name);
    out.append(' ').append(NumberFormat.getInstance(locale).format(price));
    return out.toString();
  }
}
",
                ),
            ),
        ]],
        method: ("Cart.java", "Cart.Line.text", 0),
        became: (Moved, Some(("CartLine.java", "CartLine.text", 4))),
    },
    Told {
        name: "a method that was pulled up and went on to change, commit by commit",
        then: &[
            &[("Bag.java", Some("package shop;\n\nabstract class Bag {\n}\n"))],
            &[
                (
                    "Cart.java",
                    Some(
                        "package shop;

class Cart extends Bag {
  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
                    ),
                ),
                (
                    "Bag.java",
                    Some(
                        "package shop;

abstract class Bag {
  long total(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                    ),
                ),
            ],
            &[(
                "Bag.java",
                Some(
                    "package shop;

abstract class Bag {
  long due(Customer customer) {
    long sum = 0;
    for (Item item : items()) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                ),
            )],
            &[(
                "Bag.java",
                Some(
                    "package shop;

abstract class Bag {
  long due(Customer customer) {
    long sum = items().stream().mapToLong(item -> item.price() * item.count()).sum();
    return sum - customer.rebate(sum);
  }
}
",
                ),
            )],
        ],
        method: ("Cart.java", "Cart.total", 0),
        became: (Renamed, Some(("Bag.java", "Bag.due", 4))),
    },
    Told {
        name: "a body that was rewritten under the same name",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  long total(Customer customer) {
    return ledger.balance(customer.account()).inCents();
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.total", 0),
        became: (Suspect, Some(("Cart.java", "Cart.total", 4))),
    },
    Told {
        name: "a method beside which a like one was added before it went",
        then: &[
            &[(
                "Cart.java",
                Some(
                    "package shop;

class Cart {
  long total(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.price() * item.count();
    }
    return sum - customer.rebate(sum);
  }

  long weight(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.weight() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                ),
            )],
            &[(
                "Cart.java",
                Some(
                    "package shop;

class Cart {
  long weight(Customer customer) {
    long sum = 0;
    for (Item item : items) {
      sum += item.weight() * item.count();
    }
    return sum - customer.rebate(sum);
  }
}
",
                ),
            )],
        ],
        method: ("Cart.java", "Cart.total", 0),
        became: (Stale, None),
    },
    Told {
        name: "only a comment and an annotation above it",
        then: &[&[(
            "Cart.java",
            Some(
                "package shop;

class Cart {
  // Nothing but this is left.
  @GuardedBy(\"this\")
  void add(Item item) {
    items.add(item);
    listeners.forEach(listener -> listener.added(item));
  }
}
",
            ),
        )]],
        method: ("Cart.java", "Cart.add", 0),
        became: (Edited, Some(("Cart.java", "Cart.add", 4))),
    },
    Told {
        name: "nothing at all",
        then: &[&[("Other.java", Some("class Other {}\n"))]],
        method: ("Cart.java", "Cart.Line.text", 0),
        became: (Exact, Some(("Cart.java", "Cart.Line.text", 33))),
    },
];

#[test]
fn methods_of_java_become_what_a_person_says() {
    let mut differ = Vec::new();
    for told in CASES {
        let repository = Repository::new();
        let first = repository.commit(&[("Cart.java", Some(CART))]);
        let then: Vec<CommitId> = told.then.iter().map(|files| repository.commit(files)).collect();
        let (file, symbol, number) = told.method;
        let pointer = repository.pointer(&first, file, symbol, number);
        let walked = Past::new(repository.history()).walk(&pointer, then.last().unwrap()).unwrap().unwrap();
        let place = walked.place.as_ref();
        let place = place.map(|place| (place.path.as_str(), place.symbol.as_str(), place.lines.0));
        if (walked.state, place) != told.became {
            differ.push(format!("{}: {:?} {place:?}: {}", told.name, walked.state, walked.why));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
