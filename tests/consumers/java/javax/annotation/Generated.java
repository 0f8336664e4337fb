package javax.annotation;

/** Stands in for the annotation that the generated code carries and that neither the JDK nor the generator's jar has. */
public @interface Generated {
    String[] value();

    String comments() default "";
}
