//! What is found in each language.

use super::*;

#[test]
fn rust() {
    let source = r#"//! The module's own words.

use std::fmt;

/// A parser.
///
/// It parses.
#[derive(Debug)]
pub struct Parser<'a> {
    rest: &'a str,
}

// Not a doc comment, but directly above.
impl<'a> Parser<'a> {
    const LIMIT: usize = 10;

    /// The next token.
    #[inline]
    pub fn next(&mut self) -> Option<Token<'a>>
    where
        'a: 'static,
    {
        fn inner() {}
        let closure = || 1;
        None
    }
}

impl fmt::Display for crate::Thing<u8> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Ok(()) }
}

pub trait Visit {
    type Output;
    fn visit(&self) -> Self::Output;
    fn twice(&self) { self.visit(); }
}

enum Kind { A, B }
pub type Alias = Vec<u8>;
static COUNT: u8 = 1; // trailing

pub(crate) mod outer {
    pub async fn work() {}
    mod file;
}

macro_rules! twice { ($x:expr) => { $x + $x }; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses() { assert!(true); }

    /// Waits.
    #[tokio::test(flavor = "multi_thread")]
    #[should_panic(expected = "test")]
    async fn waits() {}

    #[rstest]
    fn cases() {}

    #[doc = "test"]
    fn not_a_test() {}
}
"#;
    insta::assert_snapshot!(outline(Language::Rust, source), @r#"
    5-11 struct Parser | pub struct Parser<'a>
    15-15 constant Parser::LIMIT | const LIMIT: usize
    17-26 method Parser::next | pub fn next(&mut self) -> Option<Token<'a>> where 'a: 'static
    23-23 function Parser::next::inner | fn inner()
    30-30 method Thing::fmt | fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result
    33-37 trait Visit | pub trait Visit
    34-34 type Visit::Output | type Output
    35-35 method Visit::visit | fn visit(&self) -> Self::Output
    36-36 method Visit::twice | fn twice(&self)
    39-39 enum Kind | enum Kind
    40-40 type Alias | pub type Alias = Vec<u8>
    41-41 constant COUNT | static COUNT: u8
    43-46 module outer | pub(crate) mod outer
    44-44 function outer::work | pub async fn work()
    45-45 module outer::file | mod file
    48-48 function twice | macro_rules! twice
    50-67 module tests | mod tests
    54-55 function tests::parses [test] | fn parses()
    57-60 function tests::waits [test] | async fn waits()
    62-63 function tests::cases [test] | fn cases()
    65-66 function tests::not_a_test | fn not_a_test()
    "#);
}

#[test]
fn python() {
    let source = r#"#!/usr/bin/env python
"""Module."""
import os

LIMIT: int = 10
a, b = 1, 2

# About the class.
@dataclass
@other(1)
class Parser(Base):
    # About the field.
    field = 1

    # About next.
    @property
    def next(self) -> int:
        """Doc."""
        local = 1
        def inner(): pass
        return 1

    class Inner:
        async def run(self, *args): ...


def test_free(): assert True

class TestParser:
    def test_next(self):
        pass
    def helper(self): pass

class Old(unittest.TestCase):
    def testThing(self): pass

type Alias = list[int]
if True:
    def conditional(x,
                    y):
        return x
"#;
    insta::assert_snapshot!(outline(Language::Python, source), @r#"
    5-5 constant LIMIT | LIMIT: int
    8-24 class Parser | class Parser(Base)
    12-13 constant Parser.field | field
    15-21 method Parser.next | def next(self) -> int
    20-20 function Parser.next.inner | def inner()
    23-24 class Parser.Inner | class Inner
    24-24 method Parser.Inner.run | async def run(self, *args)
    27-27 function test_free [test] | def test_free()
    29-32 class TestParser [test] | class TestParser
    30-31 method TestParser.test_next [test] | def test_next(self)
    32-32 method TestParser.helper | def helper(self)
    34-35 class Old [test] | class Old(unittest.TestCase)
    35-35 method Old.testThing [test] | def testThing(self)
    37-37 type Alias | type Alias = list[int]
    39-41 function conditional | def conditional(x, y)
    "#);
}

#[test]
fn javascript() {
    let source = r#"// header

import x from "y";

/** Adds. */
export function add(a, b) { return a + b; }

export default class Parser extends Base {
  static limit = 1;
  #rest = "";
  onClick = (event) => { this.go(event); };
  /** next */
  next() { return 1; }
  get value() { return 1; }
  static async *items() {}
  #hidden() {}
}

// An arrow.
export const twice = async (x) => x * 2;
const a = 1, b = function () {};
const Button = memo(({ label }) => <button>{label}</button>);
const api = {
  fetch() { return 1; },
  nested: { go: () => 1, "quoted-name": function () {} },
};
module.exports.legacy = function (x) { return x; };
Parser.prototype.late = function () {};
function* gen() { const local = () => 1; function deep() {} }

describe("Parser", () => {
  beforeEach(() => {});
  describe.each([1, 2])("with %i", (n) => {
    // About it.
    it("parses: a.b", async () => { const helper = () => 1; });
    it.only('is "quoted"', function () {});
    xit("is skipped", () => {});
    test.todo("later");
  });
  test(`template`, () => {});
});
"#;
    insta::assert_snapshot!(outline(Language::JavaScript, source), @r#"
    5-6 function add | export function add(a, b)
    8-17 class Parser | export default class Parser extends Base
    11-11 method Parser.onClick | onClick = (event) =>
    12-13 method Parser.next | next()
    14-14 method Parser.value | get value()
    15-15 method Parser.items | static async *items()
    16-16 method Parser.#hidden | #hidden()
    19-20 function twice | export const twice = async (x) =>
    21-21 constant a | a
    21-21 function b | b = function ()
    22-22 constant Button | const Button
    23-26 constant api | const api
    24-24 method api.fetch | fetch()
    25-25 method api.nested.go | go: () =>
    25-25 method api.nested.quoted-name | "quoted-name": function ()
    27-27 function legacy | module.exports.legacy = function (x)
    28-28 function Parser.late | Parser.prototype.late = function ()
    29-29 function gen | function* gen()
    29-29 function gen.local | const local = () =>
    29-29 function gen.deep | function deep()
    31-41 module Parser | describe("Parser", () =>
    33-39 module Parser > with %i | describe.each([1, 2])("with %i", (n) =>
    34-35 function Parser > with %i > parses: a.b [test] | it("parses: a.b", async () =>
    35-35 function Parser > with %i > parses: a.b.helper | const helper = () =>
    36-36 function Parser > with %i > is "quoted" [test] | it.only('is "quoted"', function ()
    37-37 function Parser > with %i > is skipped | xit("is skipped", () =>
    40-40 function Parser > template [test] | test(`template`, () =>
    "#);
}

#[test]
fn typescript() {
    let source = r#"export interface Shape<T> {
  area(): number;
  readonly name: string;
}
export type Id = string | number;
export enum Color { Red, Green }
declare module "thing" {
  export function declared(x: number): string;
}
namespace Geometry.Plane {
  export const origin = [0, 0] as const;
  export function distance(a: number): number { return a; }
}
export function overload(a: string): void;
export function overload(a: number): void;
export function overload(a: any): void {}

@Component({ selector: "x" })
export abstract class View<T> implements Shape<T> {
  private items: T[] = [];
  handler = (e: Event): void => {};
  constructor(private readonly x: number) { super(); }
  abstract draw(): void;
  /** Area. */
  @Input()
  public area(): number { return 1; }
}
export default () => 1;
"#;
    insta::assert_snapshot!(outline(Language::TypeScript, source), @r#"
    1-4 interface Shape | export interface Shape<T>
    2-2 method Shape.area | area(): number
    5-5 type Id | export type Id
    6-6 enum Color | export enum Color
    7-9 module thing | declare module "thing"
    8-8 function thing.declared | export function declared(x: number): string
    10-13 module Geometry.Plane | namespace Geometry.Plane
    11-11 constant Geometry.Plane.origin | export const origin
    12-12 function Geometry.Plane.distance | export function distance(a: number): number
    16-16 function overload | export function overload(a: any): void
    18-27 class View | export abstract class View<T> implements Shape<T>
    21-21 method View.handler | handler = (e: Event): void =>
    22-22 method View.constructor | constructor(private readonly x: number)
    23-23 method View.draw | abstract draw(): void
    24-26 method View.area | public area(): number
    28-28 function default | export default () =>
    "#);
}

#[test]
fn tsx() {
    let source = r#"type Props = { label: string };
export const Button: React.FC<Props> = ({ label }) => <button>{label}</button>;
export function App(): JSX.Element {
  const onClick = () => {};
  return <div onClick={() => 1}><Button label="x" /></div>;
}
"#;
    insta::assert_snapshot!(outline(Language::Tsx, source), @r#"
    1-1 type Props | type Props
    2-2 function Button | export const Button: React.FC<Props> = ({ label }) =>
    3-6 function App | export function App(): JSX.Element
    4-4 function App.onClick | const onClick = () =>
    "#);
}

#[test]
fn go() {
    let source = r#"// Package parser parses.
package parser

import "testing"

// Limit is one.
const Limit = 1

const (
	// A is first.
	A = iota
	B
)

var Err = errors.New("x")

// Parser parses.
type Parser struct {
	rest string
}

type (
	// Kind is a kind.
	Kind int
	Alias = string
)

type Visitor interface {
	// Visit visits.
	Visit(n int) error
}

// Next is next.
func (p *Parser) Next() (string, error) {
	f := func() {}
	return "", nil
}

func (s Stack[T]) Push(x T) {}

func Map[K comparable, V any](m map[K]V) []K { return nil }

func TestNext(t *testing.T) { t.Run("sub", func(t *testing.T) {}) }
func TestMain(m *testing.M) {}
func Testing(t *testing.T) {}
func BenchmarkNext(b *testing.B) {}
func FuzzNext(f *testing.F) {}
func ExampleParser() {}
"#;
    insta::assert_snapshot!(outline(Language::Go, source), @r#"
    6-7 constant Limit | const Limit
    10-11 constant A | A
    12-12 constant B | B
    15-15 constant Err | var Err
    17-20 struct Parser | type Parser struct
    23-24 type Kind | Kind int
    25-25 type Alias | Alias = string
    28-31 interface Visitor | type Visitor interface
    29-30 method Visitor.Visit | Visit(n int) error
    33-37 method Parser.Next | func (p *Parser) Next() (string, error)
    39-39 method Stack.Push | func (s Stack[T]) Push(x T)
    41-41 function Map | func Map[K comparable, V any](m map[K]V) []K
    43-43 function TestNext [test] | func TestNext(t *testing.T)
    44-44 function TestMain | func TestMain(m *testing.M)
    45-45 function Testing | func Testing(t *testing.T)
    46-46 function BenchmarkNext | func BenchmarkNext(b *testing.B)
    47-47 function FuzzNext [test] | func FuzzNext(f *testing.F)
    48-48 function ExampleParser [test] | func ExampleParser()
    "#);
}

#[test]
fn java() {
    let source = r#"package a.b;

/** A parser. */
@Deprecated
public class Parser<T> extends Base implements Runnable {
    public static final int LIMIT = 10;
    private String rest;

    // Builds.
    public Parser(String rest) { this.rest = rest; }

    /** Next. */
    @Override
    public <R> R next(T token) throws IOException {
        Runnable r = () -> {};
        return null;
    }

    enum Kind { A, B; int code() { return 1; } }

    interface Visitor { void visit(int n); int MAX = 1; }
}

record Point(int x, int y) { Point { } double norm() { return 0; } }

@interface Marker { String value() default ""; }

class ParserTest {
    @Test
    void parses() {}
    @org.junit.jupiter.api.ParameterizedTest
    @ValueSource(ints = {1})
    void many(int n) {}
    @BeforeEach void setUp() {}
}
"#;
    insta::assert_snapshot!(outline(Language::Java, source), @r#"
    3-22 class Parser | @Deprecated public class Parser<T> extends Base implements Runnable
    6-6 constant Parser.LIMIT | public static final int LIMIT
    9-10 method Parser.Parser | public Parser(String rest)
    12-17 method Parser.next | @Override public <R> R next(T token) throws IOException
    19-19 enum Parser.Kind | enum Kind
    19-19 method Parser.Kind.code | int code()
    21-21 interface Parser.Visitor | interface Visitor
    21-21 method Parser.Visitor.visit | void visit(int n)
    21-21 constant Parser.Visitor.MAX | int MAX
    24-24 class Point | record Point(int x, int y)
    24-24 method Point.Point | Point
    24-24 method Point.norm | double norm()
    26-26 interface Marker | @interface Marker
    26-26 method Marker.value | String value() default ""
    28-35 class ParserTest | class ParserTest
    29-30 method ParserTest.parses [test] | @Test void parses()
    31-33 method ParserTest.many [test] | @org.junit.jupiter.api.ParameterizedTest @ValueSource(ints = {1}) void many(int n)
    34-34 method ParserTest.setUp | @BeforeEach void setUp()
    "#);
}

#[test]
fn c() {
    let source = r#"#ifndef GUARD_H
#define GUARD_H
#define LIMIT 10
#define TWICE(x) ((x) * 2)

/* A point. */
struct point {
    int x;
};

typedef struct node {
    struct node *next;
} node_t;

enum color { RED, GREEN };
typedef int (*callback)(void *);

static int helper(int a);
int external(const char *name);

// Adds.
static inline int *add(int a,
                       int b)
{
    int local = 1;
    return 0;
}

static int helper(int a) { return a; }
static const int count = 3;
int (*handler)(int) = 0;
#ifdef X
void conditional(void) {}
#endif
#endif
"#;
    insta::assert_snapshot!(outline(Language::C, source), @r#"
    3-3 constant LIMIT | #define LIMIT 10
    4-4 function TWICE | #define TWICE(x)
    6-9 struct point | struct point
    11-13 type node_t | typedef struct node { struct node *next; } node_t
    11-13 struct node | struct node
    15-15 enum color | enum color
    16-16 type callback | typedef int (*callback)(void *)
    19-19 function external | int external(const char *name)
    21-27 function add | static inline int *add(int a, int b)
    29-29 function helper | static int helper(int a)
    30-30 constant count | static const int count
    31-31 constant handler | int (*handler)(int)
    33-33 function conditional | void conditional(void)
    "#);
}

#[test]
fn cpp() {
    let source = r#"#pragma once
namespace outer::inner {

/// A stack.
template <typename T>
class Stack : public Base<T> {
public:
    Stack();
    explicit Stack(int size) : size_(size) {}
    ~Stack() {}
    void push(const T& item);
    bool operator==(const Stack& other) const { return true; }
    static constexpr int limit = 1;
    struct Node { T item; };
private:
    int size_;
};

template <typename T>
void Stack<T>::push(const T& item) { auto f = [] { return 1; }; }

using Ints = Stack<int>;
enum class Kind : int { A };
}

namespace {
int hidden() { return 1; }
}

extern "C" int exported(void) { return 0; }
extern "C" {
int grouped(void) { return 0; }
}

std::ostream& operator<<(std::ostream& out, const Thing& t) { return out; }
int Thing::value() const noexcept { return 1; }

TEST(StackTest, Pushes) { EXPECT_EQ(1, 1); }
TEST_F(StackTest, Pops) {}
"#;
    insta::assert_snapshot!(outline(Language::Cpp, source), @r#"
    2-24 module outer::inner | namespace outer::inner
    4-17 class outer::inner::Stack | template <typename T> class Stack : public Base<T>
    9-9 method outer::inner::Stack::Stack | explicit Stack(int size) : size_(size)
    10-10 method outer::inner::Stack::~Stack | ~Stack()
    12-12 method outer::inner::Stack::operator== | bool operator==(const Stack& other) const
    14-14 struct outer::inner::Stack::Node | struct Node
    19-20 method outer::inner::Stack::push | template <typename T> void Stack<T>::push(const T& item)
    22-22 type outer::inner::Ints | using Ints = Stack<int>
    23-23 enum outer::inner::Kind | enum class Kind : int
    27-27 function hidden | int hidden()
    30-30 function exported | extern "C" int exported(void)
    32-32 function grouped | int grouped(void)
    35-35 function operator<< | std::ostream& operator<<(std::ostream& out, const Thing& t)
    36-36 method Thing::value | int Thing::value() const noexcept
    38-38 function StackTest.Pushes [test] | TEST(StackTest, Pushes)
    39-39 function StackTest.Pops [test] | TEST_F(StackTest, Pops)
    "#);
}
