package org.heteromem.cli;

import picocli.CommandLine.IVersionProvider;

/** The version of this build, and of the JVM that it runs on. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Heteromem.class.getPackage().getImplementationVersion();
        return new String[] {
            "heteromem " + (version == null ? "(not packaged)" : version) + " on JDK " + Runtime.version()
        };
    }
}
