use super::*;

const BASE: &str = "package calc

import \"testing\"

func TestAdd(t *testing.T) {
	got := Add(2, 3)
	if got != 5 {
		t.Errorf(\"got %d\", got)
	}
}

func TestTable(t *testing.T) {
	tests := []struct{ a, want int }{
		{1, 2},
		{2, 3},
	}
	for _, tt := range tests {
		if got := Add(tt.a, 1); got != tt.want {
			t.Fatalf(\"got %d\", got)
		}
	}
}

func TestSub(t *testing.T) {
	t.Run(\"zero\", func(t *testing.T) {
		assert.Equal(t, 0, Add(0, 0))
	})
}
";

#[test]
fn what_weakens_is_said() {
    check(
        "calc/calc_test.go",
        BASE,
        &[
            (&["guard.skipped"], &[("	got := Add(2, 3)", "	t.Skip(\"later\")\n	got := Add(2, 3)")]),
            (
                &["guard.conditional", "guard.skipped"],
                &[("	got := Add(2, 3)", "	if testing.Short() {\n		return\n	}\n	got := Add(2, 3)")],
            ),
            (&["guard.assertion_changed"], &[("got != 5", "got != 4")]),
            (&["guard.emptied"], &[("		t.Errorf(\"got %d\", got)", "		t.Logf(\"got %d\", got)")]),
            (&["guard.uncollected"], &[("func TestAdd(", "func testAdd(")]),
            (
                &["guard.deleted"],
                &[("	t.Run(\"zero\", func(t *testing.T) {\n		assert.Equal(t, 0, Add(0, 0))\n	})\n", "")],
            ),
            (&["guard.case_removed"], &[("		{1, 2},\n", "")]),
            (&["guard.case_removed"], &[("{1, 2}", "{1, 3}")]),
            (&["guard.conditional"], &[("range tests", "range tests[:0]")]),
            (&["guard.uncollected"], &[("package calc", "//go:build ignore\n\npackage calc")]),
            (
                &["guard.exit", "guard.hook"],
                &[("func TestAdd", "func TestMain(m *testing.M) { os.Exit(0) }\n\nfunc TestAdd")],
            ),
            (&["guard.hard_coded"], &[("got := Add(2, 3)", "got := 5")]),
            (&["guard.assertion_changed"], &[("assert.Equal(t, 0, ", "assert.NotNil(t, ")]),
        ],
    );
}

#[test]
fn what_does_not_weaken_is_not_spoken_of() {
    check(
        "calc/calc_test.go",
        BASE,
        &[
            (
                &[],
                &[(
                    "func TestAdd(",
                    "func TestSkipBlanks(t *testing.T) {\n	if Add(0, 0) != 0 {\n		t.Fatal()\n	}\n}\n\nfunc TestAdd(",
                )],
            ),
            (&[], &[("func TestAdd(", "func TestAddsTwo(")]),
            (&[], &[("		{2, 3},\n", "		{2, 3},\n		{3, 4},\n")]),
            (&[], &[("\"got %d\"", "\"got %d, want 5\"")]),
            (&[], &[("import \"testing\"", "import (\n	\"fmt\"\n	\"testing\"\n)")]),
        ],
    );
}

#[test]
fn programs_must_not_notice_tests() {
    check(
        "calc/calc.go",
        "package calc\n\nfunc Add(a, b int) int {\n	return a + b\n}\n",
        &[
            (&["guard.detects_tests"], &[("	return", "	if testing.Testing() {\n		return 5\n	}\n	return")]),
            (
                &["guard.detects_tests"],
                &[("	return", "	if flag.Lookup(\"test.v\") != nil {\n		return 5\n	}\n	return")],
            ),
            (&[], &[("a + b", "b + a")]),
        ],
    );
}
