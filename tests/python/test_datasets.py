from salesops import datasets, sample


def test_tables_are_those_of_the_sample():
    tables = datasets.sample_tables(seed=2, deals=40, reps=5)
    book = sample.crm(seed=2, deals=40, reps=5)
    assert list(tables) == list(book.tables)
    assert tables["opportunity"].to_dict() == book.table("opportunity").to_dict()


def test_the_sample_book_opens():
    assert datasets.sample_crm(deals=20).table("opportunity").num_rows == 20
