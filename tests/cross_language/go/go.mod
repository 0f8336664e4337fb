module example.com/consumer

go 1.27

require example.com/infrai/video v0.0.0

replace example.com/infrai/video => ./video
