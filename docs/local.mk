# parts of docs
