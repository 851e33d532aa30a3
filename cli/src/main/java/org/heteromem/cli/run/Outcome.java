package org.heteromem.cli.run;

import java.util.List;

/** What a run found, in the forms in which it is shown. */
public sealed interface Outcome permits Runner.ModelOutcome, LiveRunner.LiveOutcome {
    /** {@return what JSON is made of} */
    Record result();

    /** {@return what the table shows} */
    List<ResultTable.Row> rows();

    /** {@return what the HTML report draws} */
    HtmlReport.Page page();
}
