/** Assertions. */
final class Check {
    private Check() {}

    static void that(boolean good, String what) {
        if (!good) {
            throw new AssertionError(what);
        }
    }

    static void same(Object got, Object wanted, String where) {
        that(wanted.equals(got), where + ": " + got + " is not " + wanted);
    }
}
