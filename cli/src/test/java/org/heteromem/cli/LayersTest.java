package org.heteromem.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The direction of the modules, and what the core may not do by itself. See ARCHITECTURE.md. */
class LayersTest {
    private static final JavaClasses ALL = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.heteromem");

    private static final String LEDGER = "org.heteromem.live.daemon.Ledger";
    private static final String TAKEOVER = "org.heteromem.live.daemon.Takeover";
    private static final String ZERO_AHEAD = "org.heteromem.live.daemon.ZeroAhead";

    /** What does not tell where a page is; whatever else the ledger has or will have is taken for reading. */
    private static final Set<String> NOT_READING = Set.of(
            "create",
            "open",
            "close",
            "memory",
            "allocated",
            "poisoned",
            "onDevice",
            "atHome",
            "dispute",
            "lost",
            "told");

    private static final DescribedPredicate<JavaAccess<?>> THE_LEDGER_IS_READ = DescribedPredicate.describe(
            "the ledger is read",
            access -> access.getTargetOwner().getName().equals(LEDGER)
                    && !NOT_READING.contains(access.getTarget().getName()));

    @Test
    void coreStandsOnTheJdkAlone() {
        onlyUses("core", "java..", "org.jspecify..").check(ALL);
    }

    @Test
    void policiesStandOnTheCore() {
        onlyUses("policy", "java..", "org.jspecify..", "org.heteromem.core..").check(ALL);
    }

    @Test
    void devicesStandOnTheCoreAndACompressionLibrary() {
        onlyUses("devices", "java..", "org.jspecify..", "org.heteromem.core..", "io.airlift.compress..")
                .check(ALL);
    }

    @Test
    void liveStandsOnCorePoliciesAndDevices() {
        onlyUses(
                        "live",
                        "java..",
                        "jdk.jfr..",
                        "org.jspecify..",
                        "org.heteromem.core..",
                        "org.heteromem.policy..",
                        "org.heteromem.devices..")
                .check(ALL);
    }

    @Test
    void liveHasOneSeamToTheKernel() {
        noClasses()
                .that()
                .resideInAPackage("org.heteromem.live..")
                .and()
                .resideOutsideOfPackage("org.heteromem.live.natives")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker")
                .because("what is asked of the kernel is asked in org.heteromem.live.natives")
                .check(ALL);
    }

    /**
     * Where a page is, the core's page table knows. The ledger, which live mode writes for a successor, is read by nobody
     * but that successor.
     */
    @Test
    void liveHasNoPageTableOfItsOwn() {
        noClasses()
                .that()
                .resideInAPackage("org.heteromem.live..")
                .and()
                .doNotHaveFullyQualifiedName(LEDGER)
                .and()
                .doNotHaveFullyQualifiedName(TAKEOVER)
                .should()
                .accessTargetWhere(THE_LEDGER_IS_READ)
                .because("where a page is the core's page table knows")
                .check(ALL);
    }

    /** Else the rule above would hold whatever is done. */
    @Test
    void aSuccessorOfTheDaemonReadsTheLedger() {
        classes()
                .that()
                .haveFullyQualifiedName(TAKEOVER)
                .should()
                .accessTargetWhere(THE_LEDGER_IS_READ)
                .check(ALL);
    }

    /** Pages that are no device's yet: those that a successor finds, and those that are made before they are touched. */
    @Test
    void liveMovesNoPagesBesideTheCore() {
        noClasses()
                .that()
                .resideInAPackage("org.heteromem.live..")
                .and()
                .doNotHaveFullyQualifiedName(TAKEOVER)
                .and()
                .doNotHaveFullyQualifiedName(ZERO_AHEAD)
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("org.heteromem.core.migrate.Migration")
                .because("pages move by the core's migrations")
                .check(ALL);
    }

    @Test
    void theSoakStandsOnTheCore() {
        onlyUses("stress", "java..", "org.jspecify..", "org.heteromem.core..").check(ALL);
    }

    @Test
    void coreHasNoOutsideWorld() {
        noClasses()
                .that()
                .resideInAPackage("org.heteromem.core..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.net..", "java.nio.file..", "java.nio.channels..", "java.util.logging..")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker")
                .because("a back end or the cli does input, output and native calls; the core runs in a model too")
                .check(ALL);
    }

    @Test
    void coreHasNoClockAndNoThreadsOfItsOwn() {
        noClasses()
                .that()
                .resideInAPackage("org.heteromem.core..")
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Thread.class, "start")
                .orShould()
                .callMethod(Thread.class, "ofVirtual")
                .orShould()
                .callMethod(Thread.class, "ofPlatform")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.concurrent.Executors")
                .because("clock and executor are handed in, so that a model can own time")
                .check(ALL);
    }

    @Test
    void nobodyUsesTheCommandLine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.heteromem.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.heteromem.cli..")
                .check(ALL);
    }

    private static ArchRule onlyUses(String module, String... packages) {
        String own = "org.heteromem." + module + "..";
        String[] allowed = new String[packages.length + 1];
        System.arraycopy(packages, 0, allowed, 0, packages.length);
        allowed[packages.length] = own;
        return classes()
                .that()
                .resideInAPackage(own)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(allowed);
    }
}
