package org.heteromem.live.interplay;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.Directory;

/** An index of made-up documents, and the answers to made-up questions: the same in every directory. */
final class LuceneIndex {
    private static final int WORDS = 2000;
    private static final int WORDS_OF_A_DOCUMENT = 20;
    private static final int PAYLOAD_BYTES = 800;
    private static final int DOCUMENTS_OF_A_FLUSH = 500;
    private static final int TOP = 20;

    private LuceneIndex() {}

    /** Writes documents, with a flush and merges now and then, always in the same way. */
    static void write(Directory directory, int documents) throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        IndexWriterConfig config = new IndexWriterConfig(new StandardAnalyzer())
                .setMaxBufferedDocs(DOCUMENTS_OF_A_FLUSH)
                .setRAMBufferSizeMB(IndexWriterConfig.DISABLE_AUTO_FLUSH)
                .setMergePolicy(new LogDocMergePolicy())
                .setMergeScheduler(new SerialMergeScheduler());
        try (IndexWriter writer = new IndexWriter(directory, config)) {
            for (int number = 0; number < documents; number++) {
                Document document = new Document();
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < WORDS_OF_A_DOCUMENT; i++) {
                    // Small numbers are frequent words.
                    text.append(word(random.nextInt(1 + random.nextInt(WORDS)))).append(' ');
                }
                byte[] payload = new byte[PAYLOAD_BYTES];
                random.nextBytes(payload);
                document.add(new TextField("text", text.toString(), Field.Store.YES));
                document.add(new LongPoint("number", number));
                document.add(new NumericDocValuesField("rank", random.nextInt(documents)));
                document.add(new StoredField("payload", payload));
                writer.addDocument(document);
                if (number % 50 == 49) {
                    writer.deleteDocuments(LongPoint.newExactQuery("number", number - random.nextInt(50)));
                }
            }
        }
    }

    private static String word(int number) {
        return "w" + number;
    }

    /** Asks, and writes down every answer: which documents, with which scores and contents. */
    static List<String> ask(Directory directory, long seed, int questions) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> answers = new ArrayList<>();
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
            IndexSearcher searcher = new IndexSearcher(reader);
            for (int i = 0; i < questions; i++) {
                Query query = query(random);
                TopDocs found = random.nextBoolean()
                        ? searcher.search(query, TOP)
                        : searcher.search(query, TOP, new Sort(new SortField("rank", SortField.Type.INT)));
                StringBuilder answer = new StringBuilder(query + ": " + found.totalHits);
                for (ScoreDoc one : found.scoreDocs) {
                    Document document = searcher.storedFields().document(one.doc);
                    answer.append(' ')
                            .append(one.doc)
                            .append('/')
                            .append(one.score)
                            .append('/')
                            .append(document.get("text").hashCode())
                            .append('/')
                            .append(Arrays.hashCode(document.getBinaryValue("payload").bytes));
                }
                answers.add(answer.toString());
            }
        }
        return answers;
    }

    private static Query query(SplittableRandom random) {
        Query word = new TermQuery(new Term("text", word(random.nextInt(WORDS))));
        long from = random.nextInt(5000);
        return switch (random.nextInt(4)) {
            case 0 -> word;
            case 1 ->
                new BooleanQuery.Builder()
                        .add(word, BooleanClause.Occur.SHOULD)
                        .add(new TermQuery(new Term("text", word(random.nextInt(100)))), BooleanClause.Occur.MUST)
                        .add(LongPoint.newRangeQuery("number", from, from + 5000), BooleanClause.Occur.FILTER)
                        .build();
            case 2 -> new PhraseQuery(1, "text", word(random.nextInt(20)), word(random.nextInt(20)));
            default -> LongPoint.newRangeQuery("number", from, from + random.nextInt(3000));
        };
    }
}
