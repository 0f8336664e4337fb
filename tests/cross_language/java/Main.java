import java.nio.file.Path;

/** Calls every operation of the document with a client that was generated from it. */
final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(System.getenv("FIXTURES"));
        int fixtures = Fixtures.check(directory);
        int surprises = Fixtures.checkSurprises(directory);
        Tour tour = Tour.take(System.getenv("INFRAI_BASE_URL"), System.getenv("INFRAI_API_KEY"));
        System.out.printf(
                "java: %d operations, %d errors, %d pages, 1 clip of %d bytes, %d fixtures, %d surprises%n",
                tour.operations(), tour.errors(), tour.pages(), tour.bytes(), fixtures, surprises);
    }
}
