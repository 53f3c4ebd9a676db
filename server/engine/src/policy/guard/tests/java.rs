use super::*;

const BASE: &str = "import org.junit.jupiter.api.Test;

class CalcTest {
    private final Calc calc = new Calc();

    @Test
    void adds() {
        int sum = calc.add(2, 3);
        assertEquals(5, sum);
        assertThat(calc.add(1, 1)).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void positive(int x) {
        assertTrue(calc.add(x, 1) > 0);
    }

    @Test
    void close() {
        assertEquals(1.0, calc.ratio(), 0.001);
    }
}
";

#[test]
fn what_weakens_is_said() {
    check(
        "src/test/java/CalcTest.java",
        BASE,
        &[
            (&["guard.skipped"], &[("    @Test\n    void adds", "    @Disabled\n    @Test\n    void adds")]),
            (
                &["guard.skipped"],
                &[("    @Test\n    void adds", "    @Test(enabled = false)\n    void adds")],
            ),
            (&["guard.skipped"], &[("        int sum", "        assumeTrue(false);\n        int sum")]),
            (&["guard.skipped"], &[("class CalcTest", "@Ignore\nclass CalcTest")]),
            (
                &["guard.expects_failure"],
                &[("    @Test\n    void adds", "    @Test(expected = Error.class)\n    void adds")],
            ),
            (&["guard.uncollected"], &[("    @Test\n    void adds", "    void adds")]),
            (&["guard.assertion_changed"], &[("assertEquals(5, sum)", "assertEquals(6, sum)")]),
            (&["guard.assertion_changed"], &[(".isEqualTo(2)", ".isNotNull()")]),
            (&["guard.assertion_constant"], &[("assertEquals(5, sum)", "assertTrue(true)")]),
            (&["guard.assertion_removed"], &[("        assertEquals(5, sum);\n", "")]),
            (&["guard.case_removed"], &[("{1, 2, 3}", "{1, 3}")]),
            (&["guard.tolerance"], &[("0.001", "1000")]),
            (
                &["guard.swallowed"],
                &[(
                    "        assertEquals(5, sum);",
                    "        try { assertEquals(5, sum); } catch (Throwable t) { }",
                )],
            ),
            (
                &["guard.conditional"],
                &[("        assertEquals(5, sum);", "        if (sum > 9) { assertEquals(5, sum); }")],
            ),
            (&["guard.hard_coded"], &[("int sum = calc.add(2, 3)", "int sum = 5")]),
            (&["guard.exit"], &[("        int sum", "        System.exit(0);\n        int sum")]),
            (
                &["guard.deleted"],
                &[(
                    "    @Test\n    void close() {\n        assertEquals(1.0, calc.ratio(), 0.001);\n    }\n",
                    "",
                )],
            ),
        ],
    );
}

#[test]
fn what_does_not_weaken_is_not_spoken_of() {
    check(
        "src/test/java/CalcTest.java",
        BASE,
        &[
            (
                &[],
                &[(
                    "    @Test\n    void adds",
                    "    @Test\n    void ignoresCase() {\n        assertEquals(0, calc.add(0, 0));\n    }\n\n    @Test\n    void adds",
                )],
            ),
            (&[], &[("void adds()", "void addsTwoNumbers()")]),
            (&[], &[("{1, 2, 3}", "{1, 2, 3, 4}")]),
            (&[], &[("0.001", "0.0001")]),
            (&[], &[("import org.junit", "import java.util.List;\nimport org.junit")]),
            (&[], &[("        int sum", "        // @Disabled\n        int sum")]),
        ],
    );
}
