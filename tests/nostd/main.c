/* The program around the no_std library: it is linked with libc alone. */
int plextrac_nostd_probe(void);

int main(void) {
    return plextrac_nostd_probe();
}
